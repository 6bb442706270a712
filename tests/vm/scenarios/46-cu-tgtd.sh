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
cu_through_srp
