package steps

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"github.com/flowrunner/flowrunner/engine/step"
)

// destination is the host that an address leads to.
type destination struct {
	scheme string
	host   string // with its port, if one is written
	local  bool   // this machine, over http
}

// destinationOf reads the host of an address and refuses what may not be asked.
// begins is the address, or with open what stands before its first expression:
// the host must then end there.
func destinationOf(begins string, open bool) (destination, error) {
	bad := func(format string, args ...any) (destination, error) {
		return destination{}, &step.ArgError{Param: "url", Problem: fmt.Sprintf(format, args...)}
	}
	scheme, rest, ok := strings.Cut(begins, "://")
	scheme = strings.ToLower(scheme)
	end := strings.IndexAny(rest, `/?#\`)
	switch {
	case !ok && open:
		return bad("begins with an expression; the host stands in the flow as text, so that everybody sees who is asked: write https://host/ and the expression behind it")
	case !ok:
		return bad("is no address; write one as in https://api.example.com/orders")
	case scheme != "https" && scheme != "http":
		return bad("begins with %s://; write https://", scheme)
	case open && (end < 0 || rest[end] != '/' && rest[end] != '?'):
		return bad("computes its host; the host stands in the flow as text, so that everybody sees who is asked: write https://host/ and the expression behind it")
	}
	if end >= 0 {
		rest = rest[:end]
	}
	if strings.Contains(rest, "@") {
		return bad("holds a name or password before the host; write `auth: Basic ${{ secrets.NAME }}` instead")
	}
	u, err := url.Parse(scheme + "://" + rest)
	if err != nil || u.Hostname() == "" || strings.ContainsAny(u.Hostname(), " $*") {
		return bad("has no host that can be read; write one as in https://api.example.com/orders")
	}
	d := destination{scheme: scheme, host: strings.ToLower(u.Host)}
	name := strings.ToLower(u.Hostname())
	ip, ipErr := netip.ParseAddr(name)
	here := name == "localhost" || ipErr == nil && ip.Unmap().IsLoopback()
	switch {
	case scheme == "http" && !here:
		return bad("is http, which anybody on the way can read and change; write https://")
	case scheme == "https" && here, ipErr == nil && !here && !isPublic(ip):
		return bad("leads to %s, inside a network; only hosts of the public internet are asked, and this machine by http://localhost", name)
	}
	d.local = here
	return d, nil
}

// allowed says which addresses a connection to d may have in the end.
func (d destination) allowed() func(netip.Addr) bool {
	if d.local {
		return netip.Addr.IsLoopback
	}
	return isPublic
}

// special are ranges that belong to no host of the public internet, or whose
// addresses stand for such of another network, beside those that netip knows.
var special = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "240.0.0.0/4",
	"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
)

// translated is the range in which a network without IPv4 reaches it: the last
// four bytes are the address meant.
var translated = netip.MustParsePrefix("64:ff9b::/96")

// ipv6Public is all of IPv6 that is given out.
var ipv6Public = netip.MustParsePrefix("2000::/3")

func prefixes(texts ...string) []netip.Prefix {
	list := make([]netip.Prefix, len(texts))
	for i, t := range texts {
		list[i] = netip.MustParsePrefix(t)
	}
	return list
}

// isPublic reports whether an address is one of the public internet.
func isPublic(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if translated.Contains(a) {
		b := a.As16()
		a = netip.AddrFrom4([4]byte(b[12:]))
	}
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.Is6() && !ipv6Public.Contains(a) {
		return false
	}
	for _, p := range special {
		if p.Contains(a) {
			return false
		}
	}
	return true
}
