package api

import (
	"context"
	"encoding/pem"
	"fmt"
	"io"

	"github.com/kyso-vn/kyso/internal/routing"
	"github.com/kyso-vn/kyso/pki/cms"
	"github.com/kyso-vn/kyso/signer/pdf"
)

// Limits of what is taken out of a file.
const (
	maxEvidence      = 32 << 20
	maxEvidenceItems = 4096
)

// evidence is what proves a document's signatures, taken out of the file so that it can be
// kept apart. Nothing in it is judged here; that is the report's work.
type evidence struct {
	DocumentID string                 `json:"document_id"`
	Revision   int                    `json:"revision"`
	SHA256     string                 `json:"sha256"` // of the revision's bytes
	Level      string                 `json:"level"`
	Revisions  []routing.RevisionView `json:"revisions"`
	Signatures []signatureEvidence    `json:"signatures"`
	// Certificates are in PEM, the others in DER (base64): of the DSS, then of the signatures.
	Certificates []string `json:"certificates"`
	OCSPs        [][]byte `json:"ocsp_responses"`
	CRLs         [][]byte `json:"crls"`
}

// signatureEvidence is one signature as it stands in the file.
type signatureEvidence struct {
	Field     string `json:"field"`
	SubFilter string `json:"sub_filter"`
	// CMS is the signature, or the token of a document time-stamp, in DER.
	CMS []byte `json:"cms"`
	// Timestamps are the time-stamp tokens inside it.
	Timestamps [][]byte `json:"timestamps"`
}

func (a *api) evidence() {
	get(a, route{path: "/documents/{id}/evidence", tag: "documents",
		summary: "Get digests, certificates, OCSP responses, CRLs and time-stamps of a document's signatures"},
		func(ctx context.Context, p *contentOf) (*evidence, error) {
			v, err := a.Routing.Get(ctx, p.ID)
			if err != nil {
				return nil, err
			}
			c, err := a.Routing.Content(ctx, p.ID, p.Revision)
			if err != nil {
				return nil, err
			}
			defer c.Close()
			e := &evidence{DocumentID: v.ID, Revision: c.Revision, SHA256: c.SHA256, Level: v.Level, Revisions: v.Revisions,
				Signatures: []signatureEvidence{}, Certificates: []string{}, OCSPs: [][]byte{}, CRLs: [][]byte{}}
			if err := e.take(c, c.Size); err != nil {
				return nil, fmt.Errorf("evidence of document %s: %w", v.ID, err)
			}
			return e, nil
		})
}

// take reads a file that passed our own checks when it was accepted or signed.
func (e *evidence) take(src io.ReaderAt, size int64) error {
	r, err := pdf.Open(src, size, pdf.Options{})
	if err != nil {
		return err
	}
	box := collector{evidence: e, view: r.Last(), left: maxEvidence, seen: map[string]bool{}}
	if err := box.store(); err != nil {
		return err
	}
	return box.signatures()
}

// collector takes each thing once, while there is room.
type collector struct {
	*evidence
	view  *pdf.View
	left  int64
	items int
	seen  map[string]bool
}

// fresh reports whether data is to be taken.
func (c *collector) fresh(data []byte) bool {
	if c.seen[string(data)] || int64(len(data)) > c.left || c.items == maxEvidenceItems {
		return false
	}
	c.seen[string(data)] = true
	c.left -= int64(len(data))
	c.items++
	return true
}

func (c *collector) certificate(der []byte) {
	if c.fresh(der) {
		c.Certificates = append(c.Certificates, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	}
}

// store reads the document security store (ISO 32000-2, Section 12.8.4.3).
func (c *collector) store() error {
	catalog, err := pdf.Catalog(c.view)
	if err != nil {
		return err
	}
	dss, err := pdf.DictAt(c.view, catalog.Get("DSS"))
	if err != nil || dss == nil {
		return err
	}
	for key, take := range map[pdf.Name]func([]byte){
		"Certs": c.certificate,
		"OCSPs": func(b []byte) {
			if c.fresh(b) {
				c.OCSPs = append(c.OCSPs, b)
			}
		},
		"CRLs": func(b []byte) {
			if c.fresh(b) {
				c.CRLs = append(c.CRLs, b)
			}
		},
	} {
		list, err := pdf.ArrayAt(c.view, dss.Get(key))
		if err != nil {
			return err
		}
		for _, o := range list[:min(len(list), maxEvidenceItems)] {
			o, err := c.view.Resolve(o)
			if err != nil {
				return err
			}
			st, ok := o.(*pdf.Stream)
			if !ok {
				continue
			}
			b, err := c.view.StreamData(st, c.left)
			if err != nil {
				return err
			}
			take(b)
		}
	}
	return nil
}

// signatures reads the signature fields' CMS and what is inside.
func (c *collector) signatures() error {
	fields, err := pdf.Fields(c.view)
	if err != nil {
		return err
	}
	for _, f := range fields {
		if f.Type != "Sig" || f.Value == nil {
			continue
		}
		dict, err := pdf.DictAt(c.view, f.Value)
		if err != nil {
			return err
		}
		if dict == nil {
			continue
		}
		contents, _ := dict.Get("Contents").(pdf.String)
		der, _, err := cms.Split([]byte(contents)) // padded with zeros
		if err != nil {
			return fmt.Errorf("field %s: %w", f.Name, err)
		}
		sd, err := cms.Parse(der, cms.Limits{})
		if err != nil {
			return fmt.Errorf("field %s: %w", f.Name, err)
		}
		s := signatureEvidence{Field: f.Name, SubFilter: string(dict.Name("SubFilter")), CMS: der, Timestamps: [][]byte{}}
		s.Timestamps = append(s.Timestamps, sd.Unsigned(cms.OIDSignatureTimeStamp)...)
		for _, raw := range sd.RawCertificates {
			c.certificate(raw)
		}
		c.Signatures = append(c.Signatures, s)
	}
	return nil
}
