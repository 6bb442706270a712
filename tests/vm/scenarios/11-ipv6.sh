# The host logs in to an IPv6 address, global and link-local ("[ADDRESS%INTERFACE]"), and by IPv4, with the gateway listening for both.
# limit: 120
need_srpgw
ip addr add fd00:77::1/64 dev d0 nodad
link_local=$(ip -6 -o addr show dev d0 scope link | sed -n 's|.* inet6 \([0-9a-f:]*\)/.*|\1|p')
tgtd_start 1
tgtd_target 1 16
gateway_config
sed -i "s|\"listen\": *\[|& { \"fabric\": \"rdma\", \"address\": \"::\", \"port\": $SRP_PORT },|" $CONFIG
gateway_start
for FABRIC_IP in '[fd00:77::1]' "[$link_local%d0]" 10.77.0.1; do
	login
	fio_verify "$(disk 0)" --bs=64k --iodepth=8 --size=4M
	say "$FABRIC_IP: $(srpgwctl sessions --json | jq -c '[.. | objects | .peer? // .address? | strings] | unique')"
	logout
done
ip addr del fd00:77::1/64 dev d0
