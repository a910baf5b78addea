#compdef portcullis portcullisd
# zsh completion for portcullis(8) and portcullisd(8).
# Generated from --help by src/ctl/completions/generate.py; see there.

_portcullis_commands() {
	local -a commands
	commands=(
	    'status:what the gate and the tunnel are doing'
	    'watch:the same, live, a line for every change'
	    'up:bring the VPN up and keep it up; ends off and pause'
	    'down:take the VPN down; the gate stays shut'
	    'reconnect:begin a new attempt now'
	    'pause:let traffic out in the clear for a while'
	    'resume:end a pause now'
	    'off:remove the rules\: traffic leaves in the clear; root only'
	    'rules:print the firewall'\''s rules; changes nothing'
	    'log:the last lines of the log'
	    'import:vet a profile and write it anew; root only'
	    'check:check a profile, or the configuration and the kernel'
	    'doctor:what keeps it from working or from being safe, and what to do'
	    'selftest:try what this system'\''s firewall really does; prints a report to send'
	    'enable:hold this machine shut from every boot on; root only'
	    'disable:give the machine back\: no services, no rules; root only'
	    'help:this, or a command'\''s options'
	)
	_describe -t commands command commands
}

_portcullis_profiles() {
	local -a profiles
	profiles=(/etc/portcullis/profiles/*.ovpn(N:t:r))
	_alternative 'profiles:imported profile:compadd -a profiles' 'files:profile:_files -g "*.(ovpn|conf)(-.,-/)"'
}

_portcullis_takes() {
	case $1 in
	status)
		_arguments -s '--json[print the object instead of words]' \
		    '(-w --wait)-w[until it is open, or nobody tries to, DURATION at most]:value:(30s 5m 15m 1h)' \
		    '(-w --wait)--wait=[until it is open, or nobody tries to, DURATION at most]:value:(30s 5m 15m 1h)' \
		    '(-h --help)-h[what it takes]' \
		    '(-h --help)--help[what it takes]'
		;;
	watch)
		_arguments -s '--json[print the object instead of words]' \
		    '(-h --help)-h[what it takes]' \
		    '(-h --help)--help[what it takes]'
		;;
	up)
		_arguments -s '(-w --wait)-w[return when it is done, or after DURATION (exit 1)]' \
		    '(-w --wait)--wait=-[return when it is done, or after DURATION (exit 1)]::value:(30s 5m 15m 1h)' \
		    '(-h --help)-h[what it takes]' \
		    '(-h --help)--help[what it takes]'
		;;
	down)
		_arguments -s '(-w --wait)-w[return when it is done, or after DURATION (exit 1)]' \
		    '(-w --wait)--wait=-[return when it is done, or after DURATION (exit 1)]::value:(30s 5m 15m 1h)' \
		    '(-h --help)-h[what it takes]' \
		    '(-h --help)--help[what it takes]'
		;;
	reconnect)
		_arguments -s '(-w --wait)-w[return when it is done, or after DURATION (exit 1)]' \
		    '(-w --wait)--wait=-[return when it is done, or after DURATION (exit 1)]::value:(30s 5m 15m 1h)' \
		    '(-h --help)-h[what it takes]' \
		    '(-h --help)--help[what it takes]'
		;;
	pause)
		_arguments -s '(-h --help)-h[what it takes]' \
		    '(-h --help)--help[what it takes]' \
		    '1:operand:(5m 15m 1h)'
		;;
	resume)
		_arguments -s '(-h --help)-h[what it takes]' \
		    '(-h --help)--help[what it takes]'
		;;
	off)
		_arguments -s '--offline[without portcullisd\: ends it, removes the rules]' \
		    '--persist[stay off over a reboot, until portcullis up]' \
		    '(-h --help)-h[what it takes]' \
		    '(-h --help)--help[what it takes]'
		;;
	rules)
		_arguments -s '(-b --backend)-b[nft (default on this platform), pf or ipfw]:value:(nft pf ipfw)' \
		    '(-b --backend)--backend=[nft (default on this platform), pf or ipfw]:value:(nft pf ipfw)' \
		    '--state=[locked (default), dialling or open]:value:(locked dialling open)' \
		    '(-r --remote)-r[the server\: ADDR\:PORT/PROTO or \[ADDR\]\:PORT/PROTO]:value: ' \
		    '(-r --remote)--remote=[the server\: ADDR\:PORT/PROTO or \[ADDR\]\:PORT/PROTO]:value: ' \
		    '(-i --interface)-i[the tunnel'\''s interface (default tun0)]:value:_net_interfaces' \
		    '(-i --interface)--interface=[the tunnel'\''s interface (default tun0)]:value:_net_interfaces' \
		    '*--tunnel-address=[the tunnel'\''s address; once a family]:value: ' \
		    '*--tunnel-network=[the tunnel'\''s network; repeatable]:value: ' \
		    '*-l[a physical link; repeatable]:value:_net_interfaces' \
		    '*--link=[a physical link; repeatable]:value:_net_interfaces' \
		    '*--neighbour=[an IPv6 prefix on a link; repeatable]:value: ' \
		    '--lan[as lan = true]' \
		    '*--gateway=[an inside link of a gateway; repeatable]:value:_net_interfaces' \
		    '(-g --group)-g[openvpn'\''s group (default _openvpn)]:value:_groups' \
		    '(-g --group)--group=[openvpn'\''s group (default _openvpn)]:value:_groups' \
		    '(-u --user)-u[the driver'\''s user (default _portcullis)]:value:_users' \
		    '(-u --user)--user=[the driver'\''s user (default _portcullis)]:value:_users' \
		    '--dhcp-user=[the DHCP client'\''s user beside root]:value:_users' \
		    '--tunnel-index=[nft\: the tunnel'\''s interface by its number]:value: ' \
		    '(-h --help)-h[what it takes]' \
		    '(-h --help)--help[what it takes]'
		;;
	log)
		_arguments -s '(-f --follow)-f[go on with what is added, until interrupted]' \
		    '(-f --follow)--follow[go on with what is added, until interrupted]' \
		    '(-n --lines)-n[the last N lines (default 50, at most 10000)]:value: ' \
		    '(-n --lines)--lines=[the last N lines (default 50, at most 10000)]:value: ' \
		    '(-h --help)-h[what it takes]' \
		    '(-h --help)--help[what it takes]'
		;;
	import)
		_arguments -s '--to=[where it is written (default /etc/portcullis/profiles)]:value:_files -/' \
		    '--tunnelblick=-[list what Tunnelblick has, here or on the disk at ROOT; imports nothing]::value:_files -/' \
		    '(-h --help)-h[what it takes]' \
		    '(-h --help)--help[what it takes]' \
		    '1:operand:_files -g '\''*.(ovpn|conf)(-.,-/)'\''' \
		    '2:operand: '
		;;
	check)
		_arguments -s '(-c --config)-c[the configuration (default\: portcullisd'\''s)]:value:_files' \
		    '(-c --config)--config=[the configuration (default\: portcullisd'\''s)]:value:_files' \
		    '(-h --help)-h[what it takes]' \
		    '(-h --help)--help[what it takes]' \
		    '1:operand:_files -g '\''*.(ovpn|conf)(-.,-/)'\'''
		;;
	doctor)
		_arguments -s '(-c --config)-c[the configuration (default\: portcullisd'\''s)]:value:_files' \
		    '(-c --config)--config=[the configuration (default\: portcullisd'\''s)]:value:_files' \
		    '--json[print one object instead of words]' \
		    '(-h --help)-h[what it takes]' \
		    '(-h --help)--help[what it takes]'
		;;
	selftest)
		_arguments -s '--lock[lock this machine for some seconds and try what passes; root only]' \
		    '--openvpn-group=[the group of the hole that is tried (default\: _openvpn)]:value:_groups' \
		    '(-h --help)-h[what it takes]' \
		    '(-h --help)--help[what it takes]'
		;;
	enable)
		_arguments -s '(-h --help)-h[what it takes]' \
		    '(-h --help)--help[what it takes]' \
		    '1:operand:_portcullis_profiles'
		;;
	disable)
		_arguments -s '--purge[also the users, what was remembered, and the log]' \
		    '(-h --help)-h[what it takes]' \
		    '(-h --help)--help[what it takes]'
		;;
	help)
		_arguments -s '(-h --help)-h[what it takes]' \
		    '(-h --help)--help[what it takes]' \
		    '1:operand:_portcullis_commands'
		;;
	esac
}

_portcullisd() {
	_arguments -s '-d[stay in the foreground, log to stderr too]' \
	    '-n[check configuration and profile, create nothing]' \
	    '-L[lock the gate and leave (boot)]' \
	    '-c[the configuration; default /etc/portcullis/portcullis.conf]:value:_files' \
	    '--version[the version]' \
	    '--help[the options]'
}

_portcullis() {
	local curcontext=$curcontext state line
	local -A opt_args
	if [[ $service == portcullisd ]]; then
		_portcullisd
		return
	fi
	_arguments -C '-s[the control socket]:socket:_files' '(- *)'{-V,--version}'[the version]' \
	    '(- *)'{-h,--help}'[the commands]' '1:command:_portcullis_commands' '*::argument:->argument' && return 0
	[[ $state == argument ]] && _portcullis_takes $line[1]
}

_portcullis "$@"
