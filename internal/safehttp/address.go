package safehttp

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// internal are the networks that are not public although netip does not say so:
// the IANA special-purpose registries (RFC 6890) and what embeds an IPv4 address.
var internal = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),        // this network
	netip.MustParsePrefix("100.64.0.0/10"),    // carrier-grade NAT; cloud metadata at 100.100.100.200
	netip.MustParsePrefix("168.63.129.16/32"), // metadata of a large cloud
	netip.MustParsePrefix("192.0.0.0/24"),     // IETF protocol assignments
	netip.MustParsePrefix("192.0.2.0/24"),     // documentation
	netip.MustParsePrefix("192.88.99.0/24"),   // 6to4 relay
	netip.MustParsePrefix("198.18.0.0/15"),    // benchmarks
	netip.MustParsePrefix("198.51.100.0/24"),  // documentation
	netip.MustParsePrefix("203.0.113.0/24"),   // documentation
	netip.MustParsePrefix("240.0.0.0/4"),      // reserved, broadcast
	netip.MustParsePrefix("::/96"),            // unspecified, loopback, IPv4-compatible
	netip.MustParsePrefix("::ffff:0:0:0/96"),  // IPv4-translated (RFC 2765)
	netip.MustParsePrefix("64:ff9b::/96"),     // NAT64
	netip.MustParsePrefix("64:ff9b:1::/48"),   // NAT64, local use
	netip.MustParsePrefix("100::/64"),         // discard
	netip.MustParsePrefix("2001::/23"),        // protocol assignments; Teredo, ORCHID
	netip.MustParsePrefix("2001:db8::/32"),    // documentation
	netip.MustParsePrefix("2002::/16"),        // 6to4
	netip.MustParsePrefix("3fff::/20"),        // documentation
	netip.MustParsePrefix("5f00::/16"),        // segment routing
	netip.MustParsePrefix("fec0::/10"),        // site-local, old
}

// public reports whether a is an address of the public internet. Mapped IPv4
// addresses and zones are refused as such: nothing honest resolves to them.
func public(a netip.Addr) bool {
	if !a.IsValid() || a.Is4In6() || a.Zone() != "" || !a.IsGlobalUnicast() || a.IsPrivate() {
		return false // IsGlobalUnicast excludes loopback, link-local and multicast
	}
	for _, p := range internal {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// allowList is a parsed Options.Allow.
type allowList struct {
	names     map[string]bool // "host" or "host:port", lower case
	networks  []netip.Prefix
	addrPorts map[netip.AddrPort]bool
}

func parseAllow(entries []string) (allowList, error) {
	l := allowList{names: map[string]bool{}, addrPorts: map[netip.AddrPort]bool{}}
	for _, e := range entries {
		e = strings.ToLower(strings.TrimSpace(e))
		if p, err := netip.ParsePrefix(e); err == nil {
			l.networks = append(l.networks, p.Masked())
			continue
		}
		if a, err := netip.ParseAddr(strings.Trim(e, "[]")); err == nil {
			l.networks = append(l.networks, netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()))
			continue
		}
		if ap, err := netip.ParseAddrPort(e); err == nil {
			l.addrPorts[ap] = true
			continue
		}
		host := e
		if h, port, err := net.SplitHostPort(e); err == nil {
			if _, err := net.LookupPort("tcp", port); err != nil {
				return allowList{}, fmt.Errorf("allow-list entry %q: port", e)
			}
			host = h
		}
		if !hostName(host) {
			return allowList{}, fmt.Errorf("allow-list entry %q is no host, host:port, address or CIDR network", e)
		}
		l.names[e] = true
	}
	return l, nil
}

// hostName accepts letters, digits, '-', '_' and '.', without empty labels.
func hostName(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	// What ends in a number would be taken for an address by some resolvers.
	last := s[strings.LastIndexByte(s, '.')+1:]
	return strings.Trim(last, "0123456789") != ""
}

// name reports whether the dialled "host:port" is allowed by name.
func (l allowList) name(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	host = strings.ToLower(host)
	return l.names[host] || l.names[strings.ToLower(address)]
}

// addr reports whether a resolved address is allowed.
func (l allowList) addr(ap netip.AddrPort) bool {
	if l.addrPorts[ap] {
		return true
	}
	for _, p := range l.networks {
		if p.Contains(ap.Addr()) {
			return true
		}
	}
	return false
}
