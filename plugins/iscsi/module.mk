iscsi_PKGS := libiscsi
