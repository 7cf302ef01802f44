package pki

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// AttributeType is the short name of an attribute of a distinguished name.
type AttributeType string

// The attribute types of the subjects issued here.
const (
	Country            AttributeType = "C"   // 2.5.4.6, PrintableString, ISO 3166-1
	Province           AttributeType = "ST"  // 2.5.4.8
	Locality           AttributeType = "L"   // 2.5.4.7
	OrganizationName   AttributeType = "O"   // 2.5.4.10
	OrganizationalUnit AttributeType = "OU"  // 2.5.4.11
	Title              AttributeType = "T"   // 2.5.4.12, the post (chức danh)
	CommonName         AttributeType = "CN"  // 2.5.4.3
	EmailAddress       AttributeType = "E"   // 1.2.840.113549.1.9.1, IA5String
	UserID             AttributeType = "UID" // 0.9.2342.19200300.100.1.1, may repeat
)

// The prefixes of a UID, by national convention. A value is PREFIX:NUMBER.
const (
	CCCD = "CCCD" // căn cước công dân, căn cước: 12 digits
	CMND = "CMND" // the older identity card: 9 or 12 digits
	HC   = "HC"   // hộ chiếu, passport
	MST  = "MST"  // mã số thuế, tax number
	BHXH = "BHXH" // social insurance number
	MNS  = "MNS"  // mã quan hệ ngân sách, budget unit
)

// Attribute is one attribute of a subject; Value is UTF-8 text.
type Attribute struct {
	Type  AttributeType `json:"type" yaml:"type"`
	Value string        `json:"value" yaml:"value"`
}

// Subject is a distinguished name: relative names of one attribute each, in
// the order in which they stand in the certificate (RFC 5280, Section
// 4.1.2.4). Which attributes a kind of certificate has, and their order, is
// the matter of its profile.
type Subject []Attribute

// maxAttributes bounds a subject; repeated UIDs are what makes it long.
const maxAttributes = 16

// Values returns the values of all attributes of type t, in order.
func (s Subject) Values(t AttributeType) []string {
	var out []string
	for _, a := range s {
		if a.Type == t {
			out = append(out, a.Value)
		}
	}
	return out
}

// Value returns the first value of type t, "" if there is none.
func (s Subject) Value(t AttributeType) string {
	for _, a := range s {
		if a.Type == t {
			return a.Value
		}
	}
	return ""
}

// Identifier returns the number of the first UID with the given prefix, as
// Identifier(CCCD), "" if there is none.
func (s Subject) Identifier(prefix string) string {
	for _, v := range s.Values(UserID) {
		if p, number, ok := strings.Cut(v, ":"); ok && p == prefix {
			return number
		}
	}
	return ""
}

// Check refuses a subject that can't stand in a certificate: see the
// ErrSubject codes. It doesn't check Normalization Form C; pki/profile does.
func (s Subject) Check() error {
	if len(s) == 0 {
		return &Error{Code: ErrSubjectEmpty}
	}
	if len(s) > maxAttributes {
		return &Error{Code: ErrSubjectTooLong, Detail: "more than 16 attributes"}
	}
	for i, a := range s {
		if err := a.Check(); err != nil {
			return err
		}
		for _, earlier := range s[:i] {
			if a.Type == UserID && earlier == a || a.Type != UserID && a.Type != OrganizationalUnit && earlier.Type == a.Type {
				return &Error{Code: ErrSubjectAttribute, Field: string(a.Type), Detail: "repeated"}
			}
		}
	}
	return nil
}

// bound returns the upper bound of RFC 5280, Appendix A.1, in characters; 0 for unknown types. UID has
// none there; 256 is that of RFC 4524, Section 2.23 (RFC 1274).
func (t AttributeType) bound() int {
	switch t {
	case Country:
		return 2
	case CommonName, OrganizationName, OrganizationalUnit, Title:
		return 64
	case Province, Locality:
		return 128
	case EmailAddress:
		return 255
	case UserID:
		return 256
	}
	return 0
}

// Check refuses an attribute that can't stand in a certificate.
func (a Attribute) Check() error {
	refuse := func(code Code, detail string) error {
		return &Error{Code: code, Field: string(a.Type), Detail: detail}
	}
	bound := a.Type.bound()
	switch {
	case bound == 0:
		// The type may itself be hostile text: it is not repeated.
		return &Error{Code: ErrSubjectAttribute, Detail: "unknown attribute type"}
	case a.Value == "":
		return refuse(ErrSubjectEmpty, "empty value")
	case !utf8.ValidString(a.Value):
		return refuse(ErrSubjectCharacter, "not UTF-8")
	case utf8.RuneCountInString(a.Value) > bound:
		return refuse(ErrSubjectTooLong, "over the upper bound of RFC 5280")
	case a.Value[0] == ' ' || a.Value[len(a.Value)-1] == ' ' || strings.Contains(a.Value, "  "):
		return refuse(ErrSubjectCharacter, "space at an end or doubled")
	case strings.ContainsFunc(a.Value, forbidden):
		return refuse(ErrSubjectCharacter, "control, invisible or bidirectional character")
	}
	ok := true
	switch a.Type {
	case Country:
		ok = len(a.Value) == 2 && only(a.Value, isUpper)
	case EmailAddress:
		ok = isMailbox(a.Value)
	case UserID:
		ok = isIdentifier(a.Value)
	}
	if !ok {
		return refuse(ErrSubjectValue, "not of the form of its type")
	}
	return nil
}

// forbidden tells whether r may not stand in a name: everything that doesn't
// print (controls; format characters, among them all bidirectional controls and
// zero-width ones; surrogates; private use; unassigned; noncharacters), any
// space but U+0020, the Hangul and Braille fillers that print as nothing, and
// variation selectors.
func forbidden(r rune) bool {
	switch {
	case r == ' ':
		return false
	case !unicode.IsPrint(r), unicode.Is(unicode.Variation_Selector, r):
		return true
	case r == utf8.RuneError, r == 0x034f, r == 0x115f, r == 0x1160, r == 0x17b4, r == 0x17b5,
		r == 0x2800, r == 0x3164, r == 0xffa0:
		return true
	}
	return false
}

func only(s string, ok func(byte) bool) bool {
	for i := range len(s) {
		if !ok(s[i]) {
			return false
		}
	}
	return true
}

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }
func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// isMailbox accepts the Mailbox of RFC 5321, Section 4.1.2, without quoted
// local parts and address literals.
func isMailbox(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	word := func(c byte) bool {
		return isUpper(c) || isDigit(c) || 'a' <= c && c <= 'z' || strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) >= 0
	}
	label := func(c byte) bool { return isUpper(c) || isDigit(c) || 'a' <= c && c <= 'z' || c == '-' }
	if !ok || len(local) > 64 || !strings.Contains(domain, ".") {
		return false
	}
	for part := range strings.SplitSeq(local, ".") {
		if part == "" || !only(part, word) {
			return false
		}
	}
	for part := range strings.SplitSeq(domain, ".") {
		if part == "" || len(part) > 63 || !only(part, label) || part[0] == '-' || part[len(part)-1] == '-' {
			return false
		}
	}
	return true
}

// isIdentifier accepts PREFIX:NUMBER with a prefix of the list above. Only the
// forms that are certain are checked strictly; the others take 1 to 32 of A-Z,
// 0-9 and '-'.
func isIdentifier(s string) bool {
	prefix, number, ok := strings.Cut(s, ":")
	if !ok {
		return false
	}
	switch prefix {
	case CCCD:
		return len(number) == 12 && only(number, isDigit)
	case CMND:
		return (len(number) == 9 || len(number) == 12) && only(number, isDigit)
	case HC, MST, BHXH, MNS:
		return len(number) >= 1 && len(number) <= 32 &&
			only(number, func(c byte) bool { return isUpper(c) || isDigit(c) || c == '-' })
	}
	return false
}
