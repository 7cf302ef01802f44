package routing

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/kyso-vn/kyso/pki/cms"
	"github.com/kyso-vn/kyso/signer/pdf"
	"github.com/kyso-vn/kyso/signer/validate"
)

// EvidenceFile is one piece of what proves a document's signatures: the CMS, a time-stamp
// token, a certificate, an OCSP response, a CRL. Data is DER.
type EvidenceFile struct {
	Name string
	Data []byte
}

// evidenceJSON is the table of contents of an evidence archive.
type evidenceJSON struct {
	DocumentID string           `json:"document_id"`
	ExternalID string           `json:"external_id"`
	State      State            `json:"state"`
	Level      string           `json:"level"`
	Pending    bool             `json:"timestamp_pending"`
	Revisions  []RevisionView   `json:"revisions"`
	Steps      []StepView       `json:"steps"`
	Files      []evidenceInList `json:"files"`
}

type evidenceInList struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
}

// Evidence writes a zip of what proves the signatures of a document's newest revision:
// evidence.json, and as DER the signatures, time-stamps, certificates, OCSP responses and
// CRLs that the file carries. Nothing is written before everything has been read.
func (s *Service) Evidence(ctx context.Context, id string, out io.Writer) error {
	_, d, err := s.read(ctx, id)
	if err != nil {
		return err
	}
	src, err := s.unchanged(ctx, d.newest())
	if err != nil {
		return err
	}
	defer src.Close()
	files, err := s.o.Engine.Evidence(ctx, src)
	if err != nil {
		return fileError(err)
	}
	v := s.view(d)
	list := evidenceJSON{DocumentID: v.ID, ExternalID: v.ExternalID, State: v.State, Level: v.Level, Pending: v.TimestampPending,
		Revisions: v.Revisions, Steps: v.Steps, Files: []evidenceInList{}}
	for _, f := range files {
		sum := sha256.Sum256(f.Data)
		list.Files = append(list.Files, evidenceInList{Name: f.Name, SHA256: hexOf(sum[:])})
	}
	head, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return fmt.Errorf("encode evidence: %w", err)
	}
	return zipped(out, append([]EvidenceFile{{Name: "evidence.json", Data: head}}, files...), s.o.Now())
}

// Report judges the newest revision of a document as a verifier would, now.
func (s *Service) Report(ctx context.Context, id string) (*validate.Report, error) {
	_, d, err := s.read(ctx, id)
	if err != nil {
		return nil, err
	}
	src, err := s.unchanged(ctx, d.newest())
	if err != nil {
		return nil, err
	}
	defer src.Close()
	r, err := s.o.Engine.Report(ctx, src)
	if err != nil {
		return nil, fileError(err)
	}
	r.File = fileName(d)
	return r, nil
}

func zipped(out io.Writer, files []EvidenceFile, at time.Time) error {
	z := zip.NewWriter(out)
	for _, f := range files {
		w, err := z.CreateHeader(&zip.FileHeader{Name: f.Name, Method: zip.Deflate, Modified: at.In(hanoi)})
		if err != nil {
			return fmt.Errorf("write evidence: %w", err)
		}
		if _, err := w.Write(f.Data); err != nil {
			return fmt.Errorf("write evidence: %w", err)
		}
	}
	return z.Close()
}

// Limits of what evidence is read from one file.
const (
	maxEvidenceBytes = 32 << 20
	maxEvidenceItems = 2000
)

// Evidence implements Engine: the CMS of every signature, and the document security store
// (ISO 32000-2, Section 12.8.4.3).
func (e *PAdES) Evidence(ctx context.Context, in Source) ([]EvidenceFile, error) {
	r, err := pdf.Open(in, in.Size(), pdf.Options{})
	if err != nil {
		return nil, err
	}
	g := gatherer{view: r.Last(), left: maxEvidenceBytes, seen: map[[sha256.Size]byte]bool{}}
	if err := g.signatures(ctx); err != nil {
		return nil, err
	}
	return g.files, g.store(ctx)
}

// gatherer collects evidence of one file, each piece once.
type gatherer struct {
	view  *pdf.View
	files []EvidenceFile
	left  int64
	seen  map[[sha256.Size]byte]bool
	count map[string]int
}

func (g *gatherer) add(folder, name, ext string, data []byte) {
	sum := sha256.Sum256(data)
	if g.seen[sum] || int64(len(data)) > g.left || len(g.files) >= maxEvidenceItems {
		return
	}
	g.seen[sum], g.left = true, g.left-int64(len(data))
	if g.count == nil {
		g.count = map[string]int{}
	}
	g.count[folder]++
	if name != "" {
		name = "-" + name
	}
	g.files = append(g.files, EvidenceFile{Name: fmt.Sprintf("%s/%02d%s.%s", folder, g.count[folder], name, ext), Data: data})
}

func (g *gatherer) signatures(ctx context.Context) error {
	fields, err := pdf.Fields(g.view)
	if err != nil {
		return err
	}
	for i, f := range fields {
		if err := ctx.Err(); err != nil {
			return err
		}
		if f.Type != "Sig" {
			continue
		}
		d, err := pdf.DictAt(g.view, f.Value)
		if err != nil || d == nil {
			if err != nil {
				return err
			}
			continue
		}
		contents, err := g.view.Resolve(d.Get("Contents"))
		if err != nil {
			return err
		}
		text, _ := contents.(pdf.String)
		der, _, err := cms.Split([]byte(text))
		if err != nil {
			continue // not a signature of ours
		}
		name := fmt.Sprintf("field-%d", i+1)
		if plain(f.Name) {
			name = f.Name
		}
		if d.Name("SubFilter") == "ETSI.RFC3161" {
			g.add("timestamps", name, "tst", der)
			continue
		}
		g.add("signatures", name, "p7s", der)
		sd, err := cms.Parse(der, cms.Limits{AllowBER: true})
		if err != nil {
			continue
		}
		for _, token := range sd.Unsigned(cms.OIDSignatureTimeStamp) {
			g.add("timestamps", name, "tst", token)
		}
		for _, c := range sd.RawCertificates {
			g.add("certificates", "", "cer", c)
		}
	}
	return nil
}

// plain reports whether a field's name can stand in a file name.
func plain(s string) bool {
	return s != "" && len(s) <= 64 && !slices.ContainsFunc([]byte(s), func(b byte) bool {
		return b != '_' && b != '-' && (b < '0' || b > '9') && (b < 'a' || b > 'z') && (b < 'A' || b > 'Z')
	})
}

// store adds the DSS.
func (g *gatherer) store(ctx context.Context) error {
	catalog, err := pdf.Catalog(g.view)
	if err != nil {
		return err
	}
	dss, err := pdf.DictAt(g.view, catalog.Get("DSS"))
	if err != nil || dss == nil {
		return err
	}
	for _, k := range []struct {
		key         pdf.Name
		folder, ext string
	}{{"Certs", "certificates", "cer"}, {"OCSPs", "ocsp", "ors"}, {"CRLs", "crl", "crl"}} {
		list, err := pdf.ArrayAt(g.view, dss.Get(k.key))
		if err != nil {
			return err
		}
		for _, o := range list {
			if err := errors.Join(ctx.Err(), g.stream(o, k.folder, k.ext)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (g *gatherer) stream(o pdf.Object, folder, ext string) error {
	v, err := g.view.Resolve(o)
	if err != nil {
		return err
	}
	stream, ok := v.(*pdf.Stream)
	if !ok {
		return nil
	}
	data, err := g.view.StreamData(stream, g.left)
	if err != nil {
		return err
	}
	g.add(folder, "", ext, bytes.Clone(data))
	return nil
}
