package cms

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/json"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

const maxDraftAttributes = 64

// storedDraft is the JSON form of a Draft; byte strings are base64.
type storedDraft struct {
	Version      int      `json:"v"` // 1
	Scheme       Scheme   `json:"scheme"`
	Hash         string   `json:"hash"` // "SHA-256", as crypto.Hash prints it
	Attributes   []byte   `json:"signed_attrs"`
	Content      []byte   `json:"content,omitempty"`
	OmitCerts    bool     `json:"omit_certificates,omitempty"`
	Certificates [][]byte `json:"certificates"` // DER, signer first
}

// MarshalJSON stores the draft, its certificates included.
func (d *Draft) MarshalJSON() ([]byte, error) {
	return json.Marshal(storedDraft{
		Version: 1, Scheme: d.tmpl.scheme, Hash: d.tmpl.hash.String(), Attributes: d.SignedAttrs(),
		Content: d.content, OmitCerts: d.tmpl.omitCerts, Certificates: d.tmpl.rawCerts(),
	})
}

// UnmarshalJSON restores a draft. Attributes that do not belong to the stored
// certificate, hash and content are refused.
func (d *Draft) UnmarshalJSON(data []byte) error {
	var s storedDraft
	if err := json.Unmarshal(data, &s); err != nil {
		return failErr(ErrMalformed, err, "stored draft")
	}
	if s.Version != 1 || len(s.Certificates) == 0 {
		return fail(ErrMalformed, "stored draft of version %d with %d certificates", s.Version, len(s.Certificates))
	}
	o := Options{Scheme: s.Scheme, OmitCertificates: s.OmitCerts}
	for _, h := range []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512} {
		if h.String() == s.Hash {
			o.Hash = h
		}
	}
	if o.Hash == 0 || o.Scheme == "" {
		return fail(ErrMalformed, "stored draft with hash %q and scheme %q", s.Hash, s.Scheme)
	}
	for i, der := range s.Certificates {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return failErr(ErrMalformed, err, "certificate %d of a stored draft", i)
		}
		o.Chain = append(o.Chain, c)
	}
	o.Certificate = o.Chain[0]
	return d.restore(o, s.Attributes, s.Content)
}

// restore rebuilds the template and takes over the attributes after checking them.
func (d *Draft) restore(o Options, signedAttrs, content []byte) error {
	in := cryptobyte.String(signedAttrs)
	var set cryptobyte.String
	if !in.ReadASN1(&set, cbasn1.SET) || !in.Empty() {
		return fail(ErrMalformed, "signed attributes of a stored draft")
	}
	attrs, err := parseAttributes(set, maxDraftAttributes)
	if err != nil {
		return err
	}
	if o.ContentType, err = contentType(attrs); err != nil {
		return err
	}
	t, err := NewTemplate(o)
	if err != nil {
		return err
	}
	digest, err := messageDigest(attrs)
	if err != nil {
		return err
	}
	if len(digest) != t.hash.Size() {
		return fail(ErrMalformed, "message digest of %d bytes in a stored draft", len(digest))
	}
	if content != nil {
		h := t.hash.New()
		h.Write(content)
		if !bytes.Equal(h.Sum(nil), digest) {
			return fail(ErrDigestMismatch, "content of a stored draft")
		}
	}
	if err := checkESS(attrs, o.Certificate); err != nil {
		return err
	}
	*d = Draft{tmpl: t, attrs: set, content: content}
	return nil
}
