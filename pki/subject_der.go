package pki

import (
	"bytes"
	"encoding/asn1"
	"encoding/hex"
	"strings"
	"unicode/utf8"
)

// maxName bounds the Names that ParseSubject and DisplayName read, in bytes.
const maxName = 16 << 10

// attributeTypeAndValue and what stands around it:
//
//	Name ::= SEQUENCE OF RelativeDistinguishedName
//	RelativeDistinguishedName ::= SET SIZE (1..MAX) OF AttributeTypeAndValue
//	AttributeTypeAndValue ::= SEQUENCE { type OBJECT IDENTIFIER, value ANY }
type attributeTypeAndValue struct {
	Type  asn1.ObjectIdentifier
	Value asn1.RawValue
}

type relativeNameSET []attributeTypeAndValue

// oid returns the object identifier of t, nil for unknown types.
func (t AttributeType) oid() asn1.ObjectIdentifier {
	switch t {
	case Country:
		return asn1.ObjectIdentifier{2, 5, 4, 6}
	case Province:
		return asn1.ObjectIdentifier{2, 5, 4, 8}
	case Locality:
		return asn1.ObjectIdentifier{2, 5, 4, 7}
	case OrganizationName:
		return asn1.ObjectIdentifier{2, 5, 4, 10}
	case OrganizationalUnit:
		return asn1.ObjectIdentifier{2, 5, 4, 11}
	case Title:
		return asn1.ObjectIdentifier{2, 5, 4, 12}
	case CommonName:
		return asn1.ObjectIdentifier{2, 5, 4, 3}
	case EmailAddress:
		return asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}
	case UserID:
		return asn1.ObjectIdentifier{0, 9, 2342, 19200300, 100, 1, 1}
	}
	return nil
}

// tag returns the string type: PrintableString for C, IA5String for E,
// UTF8String for the rest.
func (t AttributeType) tag() int {
	switch t {
	case Country:
		return asn1.TagPrintableString
	case EmailAddress:
		return asn1.TagIA5String
	}
	return asn1.TagUTF8String
}

func typeOf(oid asn1.ObjectIdentifier) (AttributeType, bool) {
	for _, t := range []AttributeType{CommonName, Country, Locality, Province, OrganizationName,
		OrganizationalUnit, Title, UserID, EmailAddress} {
		if oid.Equal(t.oid()) {
			return t, true
		}
	}
	return "", false
}

// DER returns the Name that stands for s in a certificate (RFC 5280, Section
// 4.1.2.4), after Check. The same subject always gives the same bytes.
func (s Subject) DER() ([]byte, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	name := make([]relativeNameSET, len(s))
	for i, a := range s {
		name[i] = relativeNameSET{{a.Type.oid(), asn1.RawValue{Tag: a.Type.tag(), Bytes: []byte(a.Value)}}}
	}
	return asn1.Marshal(name)
}

// ParseSubject reads a Name that DER could have written, and only that: other
// attribute types, string types, relative names of several attributes, and
// encodings that are not DER are refused. For a foreign certificate's name see
// DisplayName.
func ParseSubject(der []byte) (Subject, error) {
	name, err := parseName(der)
	if err != nil {
		return nil, err
	}
	s := make(Subject, 0, len(name))
	for _, rdn := range name {
		if len(rdn) != 1 {
			return nil, &Error{Code: ErrSubjectEncoding, Detail: "relative name of several attributes"}
		}
		t, ok := typeOf(rdn[0].Type)
		if !ok {
			return nil, &Error{Code: ErrSubjectAttribute, Detail: "unknown attribute type"}
		}
		s = append(s, Attribute{t, string(rdn[0].Value.Bytes)})
	}
	again, err := s.DER()
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, der) {
		return nil, &Error{Code: ErrSubjectEncoding, Detail: "not the DER of this subject"}
	}
	return s, nil
}

func parseName(der []byte) ([]relativeNameSET, error) {
	if len(der) > maxName {
		return nil, &Error{Code: ErrSubjectTooLong}
	}
	var name []relativeNameSET
	rest, err := asn1.Unmarshal(der, &name)
	if err != nil {
		return nil, &Error{Code: ErrSubjectEncoding, Err: err}
	}
	if len(rest) > 0 {
		return nil, &Error{Code: ErrSubjectEncoding, Detail: "trailing bytes"}
	}
	return name, nil
}

// String returns s for people: "C=VN, O=…, CN=…". Values are escaped as in RFC
// 4514, Section 2.4, so that no value can be mistaken for another attribute.
// Departing from that standard the order is that of the certificate, not its
// reverse, and a space follows each comma.
func (s Subject) String() string {
	parts := make([]string, len(s))
	for i, a := range s {
		parts[i] = string(a.Type) + "=" + escape(a.Value)
	}
	return strings.Join(parts, ", ")
}

// DisplayName returns any certificate's Name in the form of Subject.String:
// attributes of a multi-valued relative name are joined by "+", and what is of
// unknown type, or no text, is written as OID=#hex (RFC 4514, Section 2.4).
// Characters that could deceive a reader are escaped as hex pairs.
func DisplayName(der []byte) (string, error) {
	name, err := parseName(der)
	if err != nil {
		return "", err
	}
	parts := make([]string, len(name))
	for i, rdn := range name {
		atoms := make([]string, len(rdn))
		for j, a := range rdn {
			atoms[j] = displayAttribute(a)
		}
		parts[i] = strings.Join(atoms, "+")
	}
	return strings.Join(parts, ", "), nil
}

func displayAttribute(a attributeTypeAndValue) string {
	t, known := typeOf(a.Type)
	var text string
	isText := false
	if a.Value.Class == asn1.ClassUniversal && !a.Value.IsCompound {
		switch a.Value.Tag {
		case asn1.TagUTF8String, asn1.TagPrintableString, asn1.TagIA5String, asn1.TagNumericString:
			text, isText = string(a.Value.Bytes), utf8.Valid(a.Value.Bytes)
		case asn1.TagT61String: // in practice Latin-1
			runes := make([]rune, len(a.Value.Bytes))
			for i, b := range a.Value.Bytes {
				runes[i] = rune(b)
			}
			text, isText = string(runes), true
		case asn1.TagBMPString:
			_, err := asn1.Unmarshal(a.Value.FullBytes, &text)
			isText = err == nil
		}
	}
	if !known || !isText {
		return a.Type.String() + "=#" + hex.EncodeToString(a.Value.FullBytes)
	}
	return string(t) + "=" + escape(text)
}

// escape writes a value as RFC 4514, Section 2.4, says.
func escape(value string) string {
	var b strings.Builder
	for i, r := range value {
		switch {
		case strings.ContainsRune(`"+,;<>\=`, r), i == 0 && (r == '#' || r == ' '), r == ' ' && i == len(value)-1:
			b.WriteByte('\\')
			b.WriteRune(r)
		case forbidden(r):
			for _, c := range []byte(string(r)) {
				b.WriteByte('\\')
				b.WriteString(hex.EncodeToString([]byte{c}))
			}
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
