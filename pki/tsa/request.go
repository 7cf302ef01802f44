package tsa

import (
	"crypto"
	"encoding/asn1"
	"math/big"

	"github.com/kyso-vn/kyso/pki/cms"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Request is a TimeStampReq (RFC 3161, Section 2.4.1).
type Request struct {
	Hash    crypto.Hash // 0 after parsing when HashOID is unknown
	HashOID asn1.ObjectIdentifier
	Digest  []byte
	Policy  asn1.ObjectIdentifier // nil: any
	Nonce   *big.Int              // nil: none
	CertReq bool

	// HasExtensions is true when the request holds extensions. None are known.
	HasExtensions bool
}

// maxNonceBits bounds what is echoed back; 64 bits are usual.
const maxNonceBits = 512

// Marshal returns the DER of the request. Extensions are never written.
//
//	TimeStampReq ::= SEQUENCE {
//	  version        INTEGER { v1(1) },
//	  messageImprint MessageImprint,
//	  reqPolicy      OBJECT IDENTIFIER OPTIONAL,
//	  nonce          INTEGER OPTIONAL,
//	  certReq        BOOLEAN DEFAULT FALSE,
//	  extensions     [0] IMPLICIT Extensions OPTIONAL }
func (r *Request) Marshal() ([]byte, error) {
	oid := cms.HashOID(r.Hash)
	if oid == nil || len(r.Digest) != r.Hash.Size() {
		return nil, fail(ErrArgument, "digest of %d bytes for hash %v", len(r.Digest), r.Hash)
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		addImprint(b, oid, r.Digest)
		if r.Policy != nil {
			b.AddASN1ObjectIdentifier(r.Policy)
		}
		if r.Nonce != nil {
			b.AddASN1BigInt(r.Nonce)
		}
		if r.CertReq {
			b.AddASN1Boolean(true)
		}
	})
	return buildBytes(&b)
}

// ParseRequest reads exactly one TimeStampReq. What it refuses is badDataFormat;
// whether the algorithm, policy and extensions are acceptable is the server's
// decision.
func ParseRequest(der []byte) (*Request, error) {
	in := cryptobyte.String(der)
	var seq cryptobyte.String
	var version int
	if !in.ReadASN1(&seq, cbasn1.SEQUENCE) || !in.Empty() || !seq.ReadASN1Integer(&version) || version != 1 {
		return nil, fail(ErrMalformed, "not a TimeStampReq of version 1")
	}
	r := &Request{}
	var err error
	if r.HashOID, r.Digest, err = readImprint(&seq); err != nil {
		return nil, err
	}
	r.Hash = cms.HashByOID(r.HashOID)
	if seq.PeekASN1Tag(cbasn1.OBJECT_IDENTIFIER) && !seq.ReadASN1ObjectIdentifier(&r.Policy) {
		return nil, fail(ErrMalformed, "reqPolicy")
	}
	if r.Nonce, err = readNonce(&seq); err != nil {
		return nil, err
	}
	if seq.PeekASN1Tag(cbasn1.BOOLEAN) && !seq.ReadASN1Boolean(&r.CertReq) {
		return nil, fail(ErrMalformed, "certReq")
	}
	var extensions cryptobyte.String
	if !seq.ReadOptionalASN1(&extensions, &r.HasExtensions, ctx(0)) || !seq.Empty() {
		return nil, fail(ErrMalformed, "bytes behind the parts of a TimeStampReq")
	}
	return r, nil
}

// addImprint writes a MessageImprint.
//
//	MessageImprint ::= SEQUENCE {
//	  hashAlgorithm AlgorithmIdentifier,
//	  hashedMessage OCTET STRING }
func addImprint(b *cryptobyte.Builder, oid asn1.ObjectIdentifier, digest []byte) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(oid)
			b.AddASN1NULL() // as openssl and most authorities write it
		})
		b.AddASN1OctetString(digest)
	})
}

func readImprint(s *cryptobyte.String) (oid asn1.ObjectIdentifier, digest []byte, err error) {
	var imprint, alg, params cryptobyte.String
	var tag cbasn1.Tag
	if !s.ReadASN1(&imprint, cbasn1.SEQUENCE) || !imprint.ReadASN1(&alg, cbasn1.SEQUENCE) ||
		!alg.ReadASN1ObjectIdentifier(&oid) || (!alg.Empty() && !alg.ReadAnyASN1Element(&params, &tag)) || !alg.Empty() ||
		!imprint.ReadASN1Bytes(&digest, cbasn1.OCTET_STRING) || !imprint.Empty() {
		return nil, nil, fail(ErrMalformed, "messageImprint")
	}
	if len(params) > 0 && (tag != cbasn1.NULL || len(params) != 2) {
		return nil, nil, fail(ErrMalformed, "parameters of a hash algorithm")
	}
	return oid, digest, nil
}

func readNonce(s *cryptobyte.String) (*big.Int, error) {
	if !s.PeekASN1Tag(cbasn1.INTEGER) {
		return nil, nil
	}
	n := new(big.Int)
	if !s.ReadASN1Integer(n) || n.BitLen() > maxNonceBits {
		return nil, fail(ErrMalformed, "nonce")
	}
	return n, nil
}

// ctx is the constructed context-specific tag [n].
func ctx(n uint8) cbasn1.Tag { return cbasn1.Tag(n).Constructed().ContextSpecific() }

func buildBytes(b *cryptobyte.Builder) ([]byte, error) {
	der, err := b.Bytes()
	if err != nil {
		return nil, failErr(ErrArgument, err, "encoding failed")
	}
	return der, nil
}
