package tsa

import (
	"crypto"
	"encoding/asn1"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// PKIStatus values of RFC 3161, Section 2.4.2.
const (
	statusGranted         = 0
	statusGrantedWithMods = 1
	statusRejection       = 2
)

// Response is a TimeStampResp.
type Response struct {
	Status  int // PKIStatus; 0 and 1 are granted
	Text    string
	Failure Failure // "" when absent or unknown
	Token   []byte  // DER of the token; nil unless granted
}

// Granted reports whether the response holds a token.
func (r *Response) Granted() bool {
	return (r.Status == statusGranted || r.Status == statusGrantedWithMods) && r.Token != nil
}

// Marshal returns the DER of the response.
//
//	TimeStampResp ::= SEQUENCE {
//	  status         PKIStatusInfo,
//	  timeStampToken ContentInfo OPTIONAL }
//	PKIStatusInfo ::= SEQUENCE {
//	  status       INTEGER,
//	  statusString SEQUENCE OF UTF8String OPTIONAL,
//	  failInfo     BIT STRING OPTIONAL }
func (r *Response) Marshal() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1Int64(int64(r.Status))
			if r.Text != "" {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1(cbasn1.UTF8String, func(b *cryptobyte.Builder) { b.AddBytes([]byte(r.Text)) })
				})
			}
			if r.Failure != "" {
				addFailure(b, r.Failure.bit())
			}
		})
		b.AddBytes(r.Token)
	})
	return buildBytes(&b)
}

// addFailure writes a named-bit BIT STRING with one bit set and, as DER
// demands, no trailing zero bits (X.690, Section 11.2.2).
func addFailure(b *cryptobyte.Builder, bit int) {
	b.AddASN1(cbasn1.BIT_STRING, func(b *cryptobyte.Builder) {
		bits := make([]byte, bit/8+1)
		bits[bit/8] = 0x80 >> (bit % 8)
		b.AddUint8(uint8(7 - bit%8)) // unused bits in the last byte
		b.AddBytes(bits)
	})
}

// maxResponseText bounds what is kept of a foreign statusString, in bytes.
const maxResponseText = 400

// ParseResponse reads exactly one TimeStampResp. The token is not parsed yet.
func ParseResponse(der []byte) (*Response, error) {
	in := cryptobyte.String(der)
	var seq, info, texts, text cryptobyte.String
	r := &Response{}
	if !in.ReadASN1(&seq, cbasn1.SEQUENCE) || !in.Empty() || !seq.ReadASN1(&info, cbasn1.SEQUENCE) ||
		!info.ReadASN1Integer(&r.Status) || r.Status < 0 {
		return nil, fail(ErrMalformed, "not a TimeStampResp")
	}
	if info.PeekASN1Tag(cbasn1.SEQUENCE) {
		if !info.ReadASN1(&texts, cbasn1.SEQUENCE) || (!texts.Empty() && !texts.ReadASN1(&text, cbasn1.UTF8String)) {
			return nil, fail(ErrMalformed, "statusString")
		}
		r.Text = printable(text)
	}
	if info.PeekASN1Tag(cbasn1.BIT_STRING) {
		var bits asn1.BitString
		if !info.ReadASN1BitString(&bits) {
			return nil, fail(ErrMalformed, "failInfo")
		}
		r.Failure = failureOf(func(bit int) bool { return bits.At(bit) == 1 })
	}
	if !info.Empty() {
		return nil, fail(ErrMalformed, "bytes behind the parts of PKIStatusInfo")
	}
	if !seq.Empty() {
		var token cryptobyte.String
		if !seq.ReadASN1Element(&token, cbasn1.SEQUENCE) || !seq.Empty() {
			return nil, fail(ErrMalformed, "timeStampToken")
		}
		r.Token = token
	}
	return r, nil
}

// printable keeps a stranger's text short and without control characters.
func printable(text []byte) string {
	if len(text) > maxResponseText {
		text = text[:maxResponseText]
	}
	out := make([]rune, 0, len(text))
	for _, c := range string(text) {
		if c >= ' ' && c != 0x7F && c != 0xFFFD && (c < 0x80 || c > 0x9F) && (c < 0x2028 || c > 0x202E) && (c < 0x2066 || c > 0x2069) {
			out = append(out, c)
		}
	}
	return string(out)
}

// strong reports whether h is SHA-256 or better.
func strong(h crypto.Hash) bool {
	return h == crypto.SHA256 || h == crypto.SHA384 || h == crypto.SHA512
}
