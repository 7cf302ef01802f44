package dms

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"github.com/kyso-vn/kyso/internal/errs"
	"github.com/kyso-vn/kyso/internal/routing"
)

// Namespace is that of QCVN 102:2016/BTTTT.
const Namespace = "http://www.mic.gov.vn/TBT/QCVN_102_2016"

// Limits of a package; each is checked before the bytes are used.
const (
	MaxEnvelope    = 48 << 20 // the whole XML, which is held in memory
	maxDepth       = 32
	maxElements    = 20_000
	maxTextBytes   = 16 << 10 // of every element but an attachment
	maxAttachments = 50
	maxUnpacked    = 64 << 20 // of one file
)

// ErrEdXML is a package that can't be read for certain.
var ErrEdXML = errs.New(errs.Invalid, "edxml_invalid",
	"Gói edXML không hợp lệ: %s.", "The edXML package is not valid: %s.").On("file")

// Package is what an edXML package says, reduced to what routing needs.
type Package struct {
	DocumentID    string
	From, To      string // organisation codes
	Number        string
	Notation      string
	Place         string
	Date          time.Time // of promulgation, zero when not given
	Type          string
	Subject       string
	Competence    string
	Position      string
	Signer        string
	Priority      int // 0 ordinary to 3 at once
	Secrecy       int // 0 none
	DueDate       time.Time
	Business      int // 0 new, 1 withdraw, 2 update, 3 replace
	BusinessCause string
	Files         []PackageFile
}

// PackageFile is an attachment: the first PDF is the document.
type PackageFile struct {
	Name      string
	MediaType string
	Data      []byte
}

type edxmlDoc struct {
	XMLName  xml.Name `xml:"edXML"`
	Envelope struct {
		Header struct {
			Message struct {
				From struct {
					OrganID string `xml:"OrganId"`
				} `xml:"From"`
				To []struct {
					OrganID string `xml:"OrganId"`
				} `xml:"To"`
				DocumentID string `xml:"DocumentId"`
				Code       struct {
					Number   string `xml:"CodeNumber"`
					Notation string `xml:"CodeNotation"`
				} `xml:"Code"`
				Promulgation struct {
					Place string `xml:"Place"`
					Date  string `xml:"PromulgationDate"`
				} `xml:"PromulgationInfo"`
				Type struct {
					Name string `xml:"TypeName"`
				} `xml:"DocumentType"`
				Subject string `xml:"Subject"`
				Signer  struct {
					Competence string `xml:"Competence"`
					Position   string `xml:"Position"`
					FullName   string `xml:"FullName"`
				} `xml:"SignerInfo"`
				DueDate string `xml:"DueDate"`
				Other   struct {
					Priority string `xml:"Priority"`
					Secrecy  string `xml:"Secrecy"`
				} `xml:"OtherInfo"`
			} `xml:"MessageHeader"`
			Trace struct {
				// Bussiness is the standard's spelling.
				Business struct {
					Type   string `xml:"BussinessDocType"`
					Reason string `xml:"BussinessDocReason"`
				} `xml:"Bussiness"`
			} `xml:"TraceHeaderList"`
		} `xml:"edXMLHeader"`
		Body struct {
			Manifest struct {
				References []struct {
					Href        string `xml:"href,attr"`
					ContentID   string `xml:"ContentId"`
					ContentType string `xml:"ContentType"`
					Name        string `xml:"AttachmentName"`
				} `xml:"Reference"`
			} `xml:"edXMLManifest"`
		} `xml:"edXMLBody"`
		Attachments []edxmlAttachment `xml:"AttachmentEncoded>Attachment"`
	} `xml:"edXMLEnvelope"`
	Attachments []edxmlAttachment `xml:"AttachmentEncoded>Attachment"`
}

// single are the elements that would be ambiguous if they stood twice in their parent.
var single = map[string]bool{
	"edXMLEnvelope": true, "edXMLHeader": true, "MessageHeader": true, "From": true, "DocumentId": true, "Code": true, "CodeNumber": true,
	"CodeNotation": true, "PromulgationInfo": true, "PromulgationDate": true, "DocumentType": true, "TypeName": true, "Subject": true,
	"SignerInfo": true, "Competence": true, "Position": true, "FullName": true, "DueDate": true, "OtherInfo": true, "Priority": true,
	"Secrecy": true, "TraceHeaderList": true, "Bussiness": true, "BussinessDocType": true, "BussinessDocReason": true,
	"edXMLBody": true, "edXMLManifest": true, "AttachmentEncoded": true,
}

type edxmlAttachment struct {
	ContentID   string `xml:"ContentId"`
	ContentType string `xml:"ContentType"`
	Name        string `xml:"AttachmentName"`
	Data        string `xml:"Attachment"`
	Encoded     string `xml:",chardata"`
}

// ParseEdXML reads an edXML package of QCVN 102:2016: an envelope and, in base64, a zip for
// each file. What it can't read for certain is refused.
func ParseEdXML(r io.Reader) (*Package, error) {
	b, err := io.ReadAll(io.LimitReader(r, MaxEnvelope+1))
	if err != nil {
		return nil, fmt.Errorf("read an edXML package: %w", err)
	}
	if len(b) > MaxEnvelope {
		return nil, bad("quá lớn", "too large")
	}
	if err := checkXML(b); err != nil {
		return nil, err
	}
	var doc edxmlDoc
	if err := xml.Unmarshal(b, &doc); err != nil {
		return nil, bad("không đúng cấu trúc", "not of the standard's structure").Wrap(err)
	}
	if doc.XMLName.Space != Namespace {
		return nil, bad("sai không gian tên", "another namespace")
	}
	return doc.pack()
}

func bad(vi, en string) *errs.Error {
	e := *ErrEdXML
	e.VI, e.EN = fmt.Sprintf(e.VI, vi), fmt.Sprintf(e.EN, en)
	return &e
}

// checkXML refuses document types and processing instructions, too many, too deep or too
// long elements, and ambiguous ones, before anything is built of them.
func checkXML(b []byte) error {
	d := xml.NewDecoder(bytes.NewReader(b))
	w := watch{children: []map[string]bool{{}}}
	for {
		t, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return bad("không phải XML", "not XML").Wrap(err)
		}
		if err := w.token(t); err != nil {
			return err
		}
	}
}

// watch follows the elements that are open.
type watch struct {
	elements int
	open     []string
	children []map[string]bool // single elements seen, for the root and each open element
}

func (w *watch) token(t xml.Token) error {
	switch x := t.(type) {
	case xml.Directive:
		return bad("có DOCTYPE", "it has a DOCTYPE")
	case xml.ProcInst:
		if x.Target != "xml" || w.elements > 0 {
			return bad("có chỉ thị xử lý", "it has a processing instruction")
		}
	case xml.StartElement:
		return w.start(x)
	case xml.EndElement:
		if n := len(w.open); n > 0 {
			w.open, w.children = w.open[:n-1], w.children[:n]
		}
	case xml.CharData:
		if len(x) > maxTextBytes && (len(w.open) == 0 || w.open[len(w.open)-1] != "Attachment") {
			return bad("nội dung quá dài", "a text is too long")
		}
	}
	return nil
}

func (w *watch) start(x xml.StartElement) error {
	name, siblings := x.Name.Local, w.children[len(w.children)-1]
	if single[name] && siblings[name] {
		return bad("phần tử "+name+" bị lặp", "the element "+name+" stands twice")
	}
	siblings[name] = true
	w.elements++
	w.open, w.children = append(w.open, name), append(w.children, map[string]bool{})
	if len(w.open) > maxDepth || w.elements > maxElements || len(x.Attr) > maxDepth {
		return bad("quá nhiều phần tử", "too many elements")
	}
	return nil
}

// pack turns the envelope into a Package and unpacks its files.
func (doc *edxmlDoc) pack() (*Package, error) {
	m := doc.Envelope.Header.Message
	p := &Package{DocumentID: trim(m.DocumentID), From: trim(m.From.OrganID), Number: trim(m.Code.Number), Notation: trim(m.Code.Notation),
		Place: trim(m.Promulgation.Place), Type: trim(m.Type.Name), Subject: trim(m.Subject), Competence: trim(m.Signer.Competence),
		Position: trim(m.Signer.Position), Signer: trim(m.Signer.FullName), BusinessCause: trim(doc.Envelope.Header.Trace.Business.Reason)}
	if len(m.To) > 0 {
		p.To = trim(m.To[0].OrganID)
	}
	if p.DocumentID == "" || p.Subject == "" {
		return nil, bad("thiếu DocumentId hoặc Subject", "DocumentId or Subject is missing")
	}
	for _, f := range []struct {
		text string
		out  *int
		max  int
	}{{m.Other.Priority, &p.Priority, 3}, {m.Other.Secrecy, &p.Secrecy, 9}, {doc.Envelope.Header.Trace.Business.Type, &p.Business, 3}} {
		n, ok := digit(f.text)
		if !ok || n > f.max {
			return nil, bad("mã không có trong danh mục", "a code is not on the list")
		}
		*f.out = n
	}
	var err error
	if p.Date, err = date(m.Promulgation.Date); err != nil {
		return nil, err
	}
	if p.DueDate, err = date(m.DueDate); err != nil {
		return nil, err
	}
	attached := append(doc.Attachments, doc.Envelope.Attachments...) // both places are in use
	if len(attached) > maxAttachments {
		return nil, bad("quá nhiều tệp", "too many files")
	}
	for i := range attached {
		f, err := doc.file(&attached[i])
		if err != nil {
			return nil, err
		}
		p.Files = append(p.Files, f)
	}
	return p, nil
}

func trim(s string) string { return strings.TrimSpace(s) }

// digit reads one digit; nothing is 0.
func digit(s string) (int, bool) {
	s = trim(s)
	if s == "" {
		return 0, true
	}
	if len(s) != 1 || s[0] < '0' || s[0] > '9' {
		return 0, false
	}
	return int(s[0] - '0'), true
}

// date reads yyyy/MM/dd, as the standard has it, or ISO 8601; nothing is the zero time.
func date(s string) (time.Time, error) {
	s = trim(s)
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{"2006/01/02", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, s, time.FixedZone("+07", 7*60*60)); err == nil {
			return t, nil
		}
	}
	return time.Time{}, bad("ngày không hợp lệ", "a date is not valid")
}

// file decodes an attachment: base64 of a zip that holds one file.
func (doc *edxmlDoc) file(a *edxmlAttachment) (PackageFile, error) {
	encoded := a.Data
	if trim(encoded) == "" {
		encoded = a.Encoded
	}
	packed, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(encoded), ""))
	if err != nil {
		return PackageFile{}, bad("tệp đính kèm không phải base64", "an attachment is not base64").Wrap(err)
	}
	z, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		return PackageFile{}, bad("tệp đính kèm không phải zip", "an attachment is not a zip").Wrap(err)
	}
	if len(z.File) != 1 || z.File[0].FileInfo().IsDir() {
		return PackageFile{}, bad("mỗi zip chứa đúng một tệp", "a zip holds exactly one file")
	}
	data, err := unzip(z.File[0])
	if err != nil {
		return PackageFile{}, err
	}
	f := PackageFile{Name: trim(a.Name), MediaType: trim(a.ContentType), Data: data}
	for _, r := range doc.Envelope.Body.Manifest.References {
		if id := trim(a.ContentID); id != "" && (trim(r.ContentID) == id || strings.TrimPrefix(trim(r.Href), "cid:") == id) {
			if f.Name == "" {
				f.Name = trim(r.Name)
			}
			if f.MediaType == "" {
				f.MediaType = trim(r.ContentType)
			}
		}
	}
	if f.Name == "" {
		f.Name = z.File[0].Name
	}
	f.Name = path.Base(strings.ReplaceAll(f.Name, `\`, "/")) // a name, never a path
	return f, nil
}

func unzip(f *zip.File) ([]byte, error) {
	if f.UncompressedSize64 > maxUnpacked {
		return nil, bad("tệp giải nén quá lớn", "a file unpacks to too much")
	}
	r, err := f.Open()
	if err != nil {
		return nil, bad("zip không đọc được", "a zip can't be read").Wrap(err)
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, maxUnpacked+1))
	if err != nil {
		return nil, bad("zip bị hỏng", "a zip is damaged").Wrap(err)
	}
	if len(data) > maxUnpacked {
		return nil, bad("tệp giải nén quá lớn", "a file unpacks to too much")
	}
	return data, nil
}

// urgencies are the standard's priorities in order.
var urgencies = []routing.Urgency{routing.UrgencyNormal, routing.UrgencyUrgent, routing.UrgencyVery, routing.UrgencyAtOnce}

// Intake maps a new document's package to routing. The unit and the steps are not in the
// standard: they come from the request that carried the package.
func (p *Package) Intake(unitID string, steps []routing.StepSpec) (routing.Intake, routing.Files, error) {
	if p.Business != 0 {
		return routing.Intake{}, routing.Files{}, bad("chỉ nhận văn bản mới", "only new documents are taken in")
	}
	in := routing.Intake{ExternalID: p.DocumentID, UnitID: unitID, Steps: steps, Metadata: routing.Metadata{AgencyCode: p.From,
		Number: p.Number, Notation: p.Notation, Subject: p.Subject, Type: p.Type, Origin: p.Place, Urgency: urgencies[p.Priority]}}
	if p.Secrecy > 0 {
		in.Metadata.Secrecy = "mat"
	}
	if !p.DueDate.IsZero() {
		in.Metadata.Deadline = p.DueDate.Add(24*time.Hour - time.Second) // the end of that day
	}
	for i := range in.Steps {
		if st := &in.Steps[i]; st.Kind == routing.Leader {
			fill(&st.Capacity, p.Competence)
			fill(&st.Post, p.Position)
			fill(&st.Name, p.Signer)
		}
	}
	var files routing.Files
	for _, f := range p.Files {
		if files.Document == nil && (strings.EqualFold(path.Ext(f.Name), ".pdf") || f.MediaType == "application/pdf") {
			files.Document = bytes.NewReader(f.Data)
			continue
		}
		in.Attachments = append(in.Attachments, routing.Attachment{Name: f.Name, MediaType: f.MediaType})
		files.Attachments = append(files.Attachments, bytes.NewReader(f.Data))
	}
	if files.Document == nil {
		return in, files, bad("không có tệp PDF", "it holds no PDF")
	}
	return in, files, nil
}

func fill(to *string, from string) {
	if *to == "" {
		*to = from
	}
}
