package tsa

import (
	"crypto"
	"encoding/asn1"
	"math/big"
	"strings"
	"time"

	"github.com/kyso-vn/kyso/pki/cms"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// OIDTSTInfo is id-ct-TSTInfo, the content type of a token (RFC 3161, Section 2.4.2).
var OIDTSTInfo = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}

// Info is a TSTInfo: what a time-stamp says (RFC 3161, Section 2.4.2).
type Info struct {
	Policy   asn1.ObjectIdentifier
	Hash     crypto.Hash // 0 when HashOID is unknown
	HashOID  asn1.ObjectIdentifier
	Digest   []byte // of what was stamped
	Serial   *big.Int
	GenTime  time.Time // UTC
	Accuracy time.Duration
	Ordering bool
	Nonce    *big.Int // nil: none
}

// marshalInfo encodes a TSTInfo. genTime is cut to whole seconds, so it is
// never ahead of the clock.
//
//	TSTInfo ::= SEQUENCE {
//	  version        INTEGER { v1(1) },
//	  policy         OBJECT IDENTIFIER,
//	  messageImprint MessageImprint,
//	  serialNumber   INTEGER,
//	  genTime        GeneralizedTime,
//	  accuracy       Accuracy OPTIONAL,
//	  ordering       BOOLEAN DEFAULT FALSE,
//	  nonce          INTEGER OPTIONAL,
//	  tsa            [0] GeneralName OPTIONAL,            -- not written
//	  extensions     [1] IMPLICIT Extensions OPTIONAL }   -- not written
//	Accuracy ::= SEQUENCE {
//	  seconds INTEGER OPTIONAL,
//	  millis  [0] INTEGER (1..999) OPTIONAL,
//	  micros  [1] INTEGER (1..999) OPTIONAL }
func marshalInfo(i *Info) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		b.AddASN1ObjectIdentifier(i.Policy)
		addImprint(b, cms.HashOID(i.Hash), i.Digest)
		b.AddASN1BigInt(i.Serial)
		b.AddASN1GeneralizedTime(i.GenTime.UTC().Truncate(time.Second))
		if i.Accuracy > 0 {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { addAccuracy(b, i.Accuracy) })
		}
		if i.Ordering {
			b.AddASN1Boolean(true)
		}
		if i.Nonce != nil {
			b.AddASN1BigInt(i.Nonce)
		}
	})
	return buildBytes(&b)
}

func addAccuracy(b *cryptobyte.Builder, d time.Duration) {
	if s := int64(d / time.Second); s > 0 {
		b.AddASN1Int64(s)
	}
	if ms := int64(d % time.Second / time.Millisecond); ms > 0 {
		b.AddASN1Int64WithTag(ms, cbasn1.Tag(0).ContextSpecific())
	}
	if us := int64(d % time.Millisecond / time.Microsecond); us > 0 {
		b.AddASN1Int64WithTag(us, cbasn1.Tag(1).ContextSpecific())
	}
}

// parseInfo reads exactly one TSTInfo.
func parseInfo(der []byte) (*Info, error) {
	in := cryptobyte.String(der)
	var seq cryptobyte.String
	var version int
	i := &Info{Serial: new(big.Int)}
	if !in.ReadASN1(&seq, cbasn1.SEQUENCE) || !in.Empty() ||
		!seq.ReadASN1Integer(&version) || version != 1 || !seq.ReadASN1ObjectIdentifier(&i.Policy) {
		return nil, fail(ErrMalformed, "not a TSTInfo of version 1")
	}
	var err error
	if i.HashOID, i.Digest, err = readImprint(&seq); err != nil {
		return nil, err
	}
	i.Hash = cms.HashByOID(i.HashOID)
	if i.Hash != 0 && len(i.Digest) != i.Hash.Size() {
		return nil, fail(ErrMalformed, "digest of %d bytes in messageImprint", len(i.Digest))
	}
	if !seq.ReadASN1Integer(i.Serial) {
		return nil, fail(ErrMalformed, "serialNumber")
	}
	if i.GenTime, err = readGenTime(&seq); err != nil {
		return nil, err
	}
	if seq.PeekASN1Tag(cbasn1.SEQUENCE) {
		if i.Accuracy, err = readAccuracy(&seq); err != nil {
			return nil, err
		}
	}
	if seq.PeekASN1Tag(cbasn1.BOOLEAN) && !seq.ReadASN1Boolean(&i.Ordering) {
		return nil, fail(ErrMalformed, "ordering")
	}
	if i.Nonce, err = readNonce(&seq); err != nil {
		return nil, err
	}
	var skip, extensions cryptobyte.String
	var has bool
	if !seq.ReadOptionalASN1(&skip, &has, ctx(0)) || !seq.ReadOptionalASN1(&extensions, &has, ctx(1)) || !seq.Empty() {
		return nil, fail(ErrMalformed, "bytes behind the parts of a TSTInfo")
	}
	return i, refuseCritical(extensions)
}

// readGenTime reads a GeneralizedTime in UTC with an optional fraction of a
// second that has no trailing zeros (RFC 3161, Section 2.4.2).
func readGenTime(s *cryptobyte.String) (time.Time, error) {
	var raw []byte
	if !s.ReadASN1Bytes(&raw, cbasn1.GeneralizedTime) {
		return time.Time{}, fail(ErrMalformed, "genTime")
	}
	text := string(raw)
	t, err := time.Parse("20060102150405Z", text)
	if err != nil || strings.HasSuffix(text, ".Z") || (strings.Contains(text, ".") && strings.HasSuffix(text, "0Z")) ||
		strings.Contains(text, ",") {
		return time.Time{}, fail(ErrMalformed, "genTime")
	}
	return t.UTC(), nil
}

func readAccuracy(s *cryptobyte.String) (time.Duration, error) {
	var seq cryptobyte.String
	ok := s.ReadASN1(&seq, cbasn1.SEQUENCE)
	var total time.Duration
	for _, part := range []struct {
		tag  cbasn1.Tag
		unit time.Duration
		max  int64
	}{
		{cbasn1.INTEGER, time.Second, 1 << 31},
		{cbasn1.Tag(0).ContextSpecific(), time.Millisecond, 999},
		{cbasn1.Tag(1).ContextSpecific(), time.Microsecond, 999},
	} {
		if ok && seq.PeekASN1Tag(part.tag) {
			var n int64
			ok = seq.ReadASN1Int64WithTag(&n, part.tag) && n >= 0 && n <= part.max
			total += time.Duration(n) * part.unit
		}
	}
	if !ok || !seq.Empty() {
		return 0, fail(ErrMalformed, "accuracy")
	}
	return total, nil
}

// refuseCritical refuses critical extensions, as none are known.
//
//	Extension ::= SEQUENCE {
//	  extnID    OBJECT IDENTIFIER,
//	  critical  BOOLEAN DEFAULT FALSE,
//	  extnValue OCTET STRING }
func refuseCritical(extensions cryptobyte.String) error {
	for !extensions.Empty() {
		var ext cryptobyte.String
		var id asn1.ObjectIdentifier
		critical := false
		if !extensions.ReadASN1(&ext, cbasn1.SEQUENCE) || !ext.ReadASN1ObjectIdentifier(&id) ||
			(ext.PeekASN1Tag(cbasn1.BOOLEAN) && !ext.ReadASN1Boolean(&critical)) {
			return fail(ErrMalformed, "extensions of a TSTInfo")
		}
		if critical {
			return fail(ErrExtension, "critical extension %s", id)
		}
	}
	return nil
}
