# libiscsi's reservation suites by two SRP initiators, with tgtd as the back-end: against two initiators without SRP, and against two without anything
# between them and the back-end. Every test has the same result, for the same reason.
# limit: 400
need_srpgw
. /vm/pr.sh
. /vm/cu.sh
allow_dmesg 'Login/Text in progress' 'Power-on or device reset' 'reservation conflict' 'nexus error' 'SRP reset_host called' 'ib_srp: reconnect|reconnect succeeded'
tgtd_start 1
tgtd_target 1 8 3
iscsi_login_two 1
gateway_config '[ { "lun": 0, "backend": "san", "backend_lun": 2 } ]'
gateway_start
login initiator_ext=00000000000000aa
host_a=$HOST a=$(disk 0)
login initiator_ext=00000000000000bb
b=$(disk 0)
cu_reservations "$a" "$b"
iscsi_logout
reservation_ends "a reset of the host" "$a" "$b" sg_reset -H "$(sg_of "$a")"
reservation_ends "a logout" "$a" "$b" logout "$host_a"
