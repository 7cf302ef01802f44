package cms

import (
	"bytes"
	"encoding/asn1"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Attribute is one CMS attribute (RFC 5652, Section 5.3). Each value is the
// full DER of one AttributeValue.
//
//	Attribute ::= SEQUENCE {
//	  attrType   OBJECT IDENTIFIER,
//	  attrValues SET OF AttributeValue }
type Attribute struct {
	Type   asn1.ObjectIdentifier
	Values [][]byte
}

// Marshal returns the DER of the attribute, its values sorted.
func (a Attribute) Marshal() ([]byte, error) {
	if len(a.Type) == 0 || len(a.Values) == 0 {
		return nil, fail(ErrInvalidArgument, "attribute without type or value")
	}
	for _, v := range a.Values {
		if !isOneElement(v) {
			return nil, fail(ErrInvalidArgument, "value of attribute %s is not one DER element", a.Type)
		}
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(a.Type)
		addSetOf(b, cbasn1.SET, a.Values)
	})
	return buildBytes(&b)
}

// addSetOf writes elements, each a full DER element, as a SET OF under tag, in
// the ascending order that DER demands (X.690, Section 11.6).
func addSetOf(b *cryptobyte.Builder, tag cbasn1.Tag, elements [][]byte) {
	sorted := slices.Clone(elements)
	slices.SortFunc(sorted, bytes.Compare)
	b.AddASN1(tag, func(b *cryptobyte.Builder) {
		for _, e := range sorted {
			b.AddBytes(e)
		}
	})
}

func isOneElement(der []byte) bool {
	s := cryptobyte.String(der)
	var out cryptobyte.String
	var tag cbasn1.Tag
	return s.ReadAnyASN1Element(&out, &tag) && s.Empty()
}

func buildBytes(b *cryptobyte.Builder) ([]byte, error) {
	der, err := b.Bytes()
	if err != nil {
		return nil, failErr(ErrInvalidArgument, err, "encoding failed")
	}
	return der, nil
}

// parseAttributes reads the contents of a SET OF Attribute.
func parseAttributes(in cryptobyte.String, max int) ([]Attribute, error) {
	var attrs []Attribute
	for !in.Empty() {
		if len(attrs) >= max {
			return nil, fail(ErrTooLarge, "more than %d attributes", max)
		}
		var seq, set cryptobyte.String
		var a Attribute
		if !in.ReadASN1(&seq, cbasn1.SEQUENCE) || !seq.ReadASN1ObjectIdentifier(&a.Type) ||
			!seq.ReadASN1(&set, cbasn1.SET) || !seq.Empty() {
			return nil, fail(ErrMalformed, "attribute %d is not an Attribute", len(attrs))
		}
		for !set.Empty() {
			var v cryptobyte.String
			var tag cbasn1.Tag
			if len(a.Values) >= max || !set.ReadAnyASN1Element(&v, &tag) {
				return nil, fail(ErrMalformed, "values of attribute %s", a.Type)
			}
			a.Values = append(a.Values, v)
		}
		attrs = append(attrs, a)
	}
	return attrs, nil
}

// single returns the only value of the only attribute of a type. found is false
// when there is none; more than one attribute or value is an error.
func single(attrs []Attribute, oid asn1.ObjectIdentifier) (value []byte, found bool, err error) {
	for _, a := range attrs {
		if !a.Type.Equal(oid) {
			continue
		}
		if found || len(a.Values) != 1 {
			return nil, true, fail(ErrAttribute, "attribute %s must stand once and hold one value", oid)
		}
		value, found = a.Values[0], true
	}
	return value, found, nil
}
