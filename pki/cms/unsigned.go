package cms

import (
	"bytes"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// WithTimestamp returns cmsDER with token, the DER of an RFC 3161 TimeStampToken
// over the signature value, added as a signature-time-stamp attribute (RFC 3161,
// Appendix A; EN 319 122-1, Section 5.3). See [WithUnsigned].
//
//	SignatureTimeStampToken ::= TimeStampToken
func WithTimestamp(cmsDER, token []byte) ([]byte, error) {
	return WithUnsigned(cmsDER, Attribute{Type: OIDSignatureTimeStamp, Values: [][]byte{token}})
}

// WithUnsigned returns cmsDER with one more unsigned attribute. Every other byte
// stays as it was but the lengths of the values around it, so the signature
// stays valid. Attributes of the same type that are there already are kept.
func WithUnsigned(cmsDER []byte, a Attribute) ([]byte, error) {
	if _, err := Parse(cmsDER, Limits{}); err != nil {
		return nil, err
	}
	attr, err := a.Marshal()
	if err != nil {
		return nil, err
	}
	// Parse has checked the shape, so going down again cannot fail half-way:
	// ContentInfo, [0], SignedData, signerInfos, SignerInfo.
	path := []cbasn1.Tag{cbasn1.SEQUENCE, ctx(0), cbasn1.SEQUENCE, cbasn1.SET, cbasn1.SEQUENCE}
	heads := make([][]byte, len(path)) // what stands in front of the next level
	in := cryptobyte.String(cmsDER)
	for i, tag := range path {
		before, inside, err := lastElement(in, tag)
		if err != nil {
			return nil, err
		}
		heads[i], in = before, inside
	}
	out, err := insertUnsigned(in, attr)
	if err != nil {
		return nil, err
	}
	for i := len(path) - 1; i >= 0; i-- {
		out = slices.Concat(heads[i], prependHeader(byte(path[i]), out))
	}
	return out, nil
}

// lastElement splits s into what precedes its last element, and the contents of
// that element.
func lastElement(s cryptobyte.String, want cbasn1.Tag) (before []byte, contents cryptobyte.String, err error) {
	for rest := s; !rest.Empty(); {
		at := len(s) - len(rest)
		var tag cbasn1.Tag
		if !rest.ReadAnyASN1(&contents, &tag) || (rest.Empty() && tag != want) {
			break
		}
		if rest.Empty() {
			return s[:at], contents, nil
		}
	}
	return nil, nil, fail(ErrMalformed, "unexpected structure around signerInfos")
}

// insertUnsigned puts attr into the unsignedAttrs at the end of a SignerInfo,
// at its place in the order of DER, and makes the set where there is none.
func insertUnsigned(signer cryptobyte.String, attr []byte) ([]byte, error) {
	rest := signer
	for !rest.Empty() {
		if rest.PeekASN1Tag(ctx(1)) {
			break
		}
		var skip cryptobyte.String
		var tag cbasn1.Tag
		if !rest.ReadAnyASN1Element(&skip, &tag) {
			return nil, fail(ErrMalformed, "SignerInfo")
		}
	}
	before := signer[:len(signer)-len(rest)]
	var set, present cryptobyte.String
	if !rest.Empty() && !rest.ReadASN1(&set, ctx(1)) {
		return nil, fail(ErrMalformed, "unsignedAttrs")
	}
	at := 0
	for all := set; !all.Empty(); at = len(set) - len(all) {
		if !all.ReadASN1Element(&present, cbasn1.SEQUENCE) {
			return nil, fail(ErrMalformed, "unsignedAttrs")
		}
		if bytes.Compare(present, attr) > 0 {
			break
		}
	}
	contents := slices.Concat(set[:at], attr, set[at:])
	return slices.Concat(before, prependHeader(byte(ctx(1)), contents)), nil
}
