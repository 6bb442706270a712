# All of the iSCSI bridge but what is TCP's alone.
iser_PKGS := libiscsi librdmacm
iser_EXTRA_SRC := $(filter-out plugins/iscsi/tcp.c,$(wildcard plugins/iscsi/*.c))
