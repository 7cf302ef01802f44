package path

import (
	"encoding/binary"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// dirWithin reports whether the Name in der begins with the relative names of
// base (RFC 5280, Sections 4.2.1.10 and 7.1).
func dirWithin(der, base []byte, unsure bool) bool {
	name, ok1 := parseRDNs(der)
	limit, ok2 := parseRDNs(base)
	if !ok1 || !ok2 {
		return unsure
	}
	return len(limit) <= len(name) && slices.Equal(name[:len(limit)], limit)
}

// parseRDNs turns a Name into one comparable string for each relative name:
// attributes sorted, text compared without regard to case, string type and
// runs of spaces. Letters outside ASCII are compared as they are.
//
//	Name ::= SEQUENCE OF RelativeDistinguishedName
//	RelativeDistinguishedName ::= SET OF SEQUENCE { type OBJECT IDENTIFIER, value ANY }
func parseRDNs(der []byte) ([]string, bool) {
	in := cryptobyte.String(der)
	var seq cryptobyte.String
	if !in.ReadASN1(&seq, cbasn1.SEQUENCE) || !in.Empty() {
		return nil, false
	}
	var out []string
	for !seq.Empty() {
		var set cryptobyte.String
		if len(out) >= maxNames || !seq.ReadASN1(&set, cbasn1.SET) || set.Empty() {
			return nil, false
		}
		var attrs []string
		for !set.Empty() {
			var atv, value, oid cryptobyte.String
			var tag cbasn1.Tag
			if !set.ReadASN1(&atv, cbasn1.SEQUENCE) || !atv.ReadASN1(&oid, cbasn1.OBJECT_IDENTIFIER) ||
				!atv.ReadAnyASN1(&value, &tag) || !atv.Empty() {
				return nil, false
			}
			attrs = append(attrs, string(oid)+"\x00"+comparable(tag, value))
		}
		slices.Sort(attrs)
		// Each length is put in front, so that no value can look like two.
		var rdn []byte
		for _, a := range attrs {
			rdn = append(binary.BigEndian.AppendUint32(rdn, uint32(len(a))), a...)
		}
		out = append(out, string(rdn))
	}
	return out, true
}

// comparable decodes the string types of names; anything else is compared by
// its bytes, under its tag.
func comparable(tag cbasn1.Tag, value []byte) string {
	const (
		printableString = cbasn1.Tag(19)
		teletexString   = cbasn1.Tag(20)
		ia5String       = cbasn1.Tag(22)
		bmpString       = cbasn1.Tag(30)
	)
	text := ""
	switch tag {
	case cbasn1.UTF8String, printableString, ia5String, teletexString:
		if !utf8.Valid(value) {
			return "#" + string(rune(tag)) + string(value)
		}
		text = string(value)
	case bmpString:
		if len(value)%2 != 0 {
			return "#" + string(rune(tag)) + string(value)
		}
		units := make([]uint16, len(value)/2)
		for i := range units {
			units[i] = binary.BigEndian.Uint16(value[2*i:])
		}
		text = string(utf16.Decode(units))
	default:
		return "#" + string(rune(tag)) + string(value)
	}
	return "=" + strings.Join(strings.FieldsFunc(asciiLower(text), func(r rune) bool { return r == ' ' }), " ")
}

func asciiLower(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
