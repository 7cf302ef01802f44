package path

import (
	"crypto/x509"
	"net"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Tags of GeneralName (RFC 5280, Section 4.2.1.6).
const (
	nameEmail = 1
	nameDNS   = 2
	nameDir   = 4
	nameURI   = 6
	nameIP    = 7
)

// generalName is one alternative of GeneralName: its tag number and contents.
// A directoryName holds the DER of the Name.
type generalName struct {
	tag   uint8
	value []byte
}

// nameConstraints of one CA (RFC 5280, Section 4.2.1.10).
type nameConstraints struct{ permitted, excluded []generalName }

const maxNames = 4096 // names and constraints of one certificate

// checkNames applies each issuer's name constraints to everything below it.
// Self-issued intermediates are exempt (RFC 5280, Section 6.1.3 (b), (c)).
func checkNames(chain []*x509.Certificate) error {
	for i := len(chain) - 1; i > 0; i-- {
		nc, found, err := constraintsOf(chain[i])
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		for j, c := range chain[:i] {
			if j > 0 && selfIssued(c) {
				continue
			}
			names, err := namesOf(c)
			if err != nil {
				return err
			}
			if !nc.permit(names) {
				return fail(ErrNameConstraints, c, "a name is outside the constraints of a CA above")
			}
		}
	}
	return nil
}

// constraintsOf reads the extension.
//
//	NameConstraints ::= SEQUENCE {
//	  permittedSubtrees [0] IMPLICIT SEQUENCE OF GeneralSubtree OPTIONAL,
//	  excludedSubtrees  [1] IMPLICIT SEQUENCE OF GeneralSubtree OPTIONAL }
//	GeneralSubtree ::= SEQUENCE {
//	  base GeneralName, minimum [0] INTEGER DEFAULT 0, maximum [1] INTEGER OPTIONAL }
func constraintsOf(c *x509.Certificate) (nc nameConstraints, found bool, err error) {
	bad := fail(ErrNameConstraints, c, "unreadable name constraints")
	var in, seq, sub, tree cryptobyte.String
	in, found = extensionOf(c, 30)
	if !found {
		return nc, false, nil
	}
	if !in.ReadASN1(&seq, cbasn1.SEQUENCE) || !in.Empty() {
		return nc, true, bad
	}
	for n, to := range []*[]generalName{&nc.permitted, &nc.excluded} {
		var has bool
		if !seq.ReadOptionalASN1(&sub, &has, ctx(uint8(n))) {
			return nc, true, bad
		}
		for !sub.Empty() {
			var name generalName
			// minimum and maximum must not be used: what follows base is refused.
			if len(*to) >= maxNames || !sub.ReadASN1(&tree, cbasn1.SEQUENCE) || !readName(&tree, &name) || !tree.Empty() {
				return nc, true, bad
			}
			*to = append(*to, name)
		}
	}
	if !seq.Empty() {
		return nc, true, bad
	}
	return nc, true, nil
}

// extensionOf returns the value of extension 2.5.29.arc.
func extensionOf(c *x509.Certificate, arc int) (cryptobyte.String, bool) {
	for _, e := range c.Extensions {
		if len(e.Id) == 4 && e.Id[0] == 2 && e.Id[1] == 5 && e.Id[2] == 29 && e.Id[3] == arc {
			return e.Value, true
		}
	}
	return nil, false
}

func readName(s *cryptobyte.String, out *generalName) bool {
	var value cryptobyte.String
	var tag cbasn1.Tag
	if !s.ReadAnyASN1(&value, &tag) || tag&0xC0 != 0x80 {
		return false
	}
	out.tag, out.value = uint8(tag&0x1F), value
	return true
}

// namesOf lists all names of a certificate: the subject, e-mail addresses in
// it, and the subjectAltName.
func namesOf(c *x509.Certificate) ([]generalName, error) {
	var names []generalName
	rdns, ok := parseRDNs(c.RawSubject)
	if !ok {
		return nil, fail(ErrNameConstraints, c, "unreadable subject")
	}
	if len(rdns) > 0 {
		names = append(names, generalName{nameDir, c.RawSubject})
	}
	for _, atv := range c.Subject.Names {
		if text, ok := atv.Value.(string); ok && atv.Type.String() == "1.2.840.113549.1.9.1" {
			names = append(names, generalName{nameEmail, []byte(text)})
		}
	}
	in, found := extensionOf(c, 17)
	if !found {
		return names, nil
	}
	var seq cryptobyte.String
	if !in.ReadASN1(&seq, cbasn1.SEQUENCE) || !in.Empty() {
		return nil, fail(ErrNameConstraints, c, "unreadable subjectAltName")
	}
	for !seq.Empty() {
		var n generalName
		if len(names) >= maxNames || !readName(&seq, &n) {
			return nil, fail(ErrNameConstraints, c, "unreadable subjectAltName")
		}
		names = append(names, n)
	}
	return names, nil
}

// permit reports whether every name is in a permitted subtree of its kind,
// where there is one, and in no excluded one. A kind of name that can't be
// compared here is not permitted when it is constrained at all.
func (nc nameConstraints) permit(names []generalName) bool {
	return !slices.ContainsFunc(names, func(n generalName) bool {
		constrained, inside := false, false
		for _, base := range nc.permitted {
			if base.tag == n.tag {
				constrained = true
				inside = inside || within(n, base, false)
			}
		}
		if constrained && !inside {
			return true
		}
		return slices.ContainsFunc(nc.excluded, func(base generalName) bool {
			return base.tag == n.tag && within(n, base, true)
		})
	})
}

// within reports whether n lies in the subtree of base. unsure is the answer
// for what can't be compared.
func within(n, base generalName, unsure bool) bool {
	text, limit := strings.ToLower(string(n.value)), strings.ToLower(string(base.value))
	switch n.tag {
	case nameDNS:
		return limit == "" || text == limit || strings.HasSuffix(text, "."+strings.TrimPrefix(limit, "."))
	case nameEmail:
		local, host, ok := cutLast(text, '@')
		if !ok || local == "" {
			return unsure
		}
		if strings.Contains(limit, "@") {
			return text == limit
		}
		return hostWithin(host, limit)
	case nameURI:
		u, err := url.Parse(text)
		if err != nil || u.Hostname() == "" || net.ParseIP(u.Hostname()) != nil {
			return unsure
		}
		return hostWithin(u.Hostname(), limit)
	case nameIP:
		size := len(n.value)
		if (size != 4 && size != 16) || len(base.value) != 2*size {
			return size != 4 && size != 16 && unsure
		}
		for i, b := range n.value {
			if (b^base.value[i])&base.value[size+i] != 0 {
				return false
			}
		}
		return true
	case nameDir:
		return dirWithin(n.value, base.value, unsure)
	}
	return unsure
}

// hostWithin: a limit with a leading dot means hosts below it, without one the
// host itself (RFC 5280, Section 4.2.1.10).
func hostWithin(host, limit string) bool {
	if strings.HasPrefix(limit, ".") {
		return strings.HasSuffix(host, limit)
	}
	return limit == "" || host == limit
}

func cutLast(s string, sep byte) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}
