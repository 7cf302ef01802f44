package dms_test

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/kyso-vn/kyso/internal/dms"
	"github.com/kyso-vn/kyso/internal/routing"
)

func zipped(t testing.TB, name string, data []byte) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

func envelope(other, attachments string) string {
	return `<?xml version="1.0" encoding="UTF-8"?>
<edXML:edXML xmlns:edXML="` + dms.Namespace + `"><edXML:edXMLEnvelope><edXML:edXMLHeader><edXML:MessageHeader>
<edXML:From><edXML:OrganId>H26.12.01</edXML:OrganId></edXML:From><edXML:To><edXML:OrganId>H26</edXML:OrganId></edXML:To>
<edXML:DocumentId>H26.12.01,2026/11/21,45/TTr</edXML:DocumentId>
<edXML:Code><edXML:CodeNumber>45</edXML:CodeNumber><edXML:CodeNotation>TTr-UBND</edXML:CodeNotation></edXML:Code>
<edXML:PromulgationInfo><edXML:Place>Hà Nội</edXML:Place><edXML:PromulgationDate>2026/11/21</edXML:PromulgationDate></edXML:PromulgationInfo>
<edXML:DocumentType><edXML:TypeName>Tờ trình</edXML:TypeName></edXML:DocumentType>
<edXML:Subject>Về kế hoạch duy tu</edXML:Subject>
<edXML:SignerInfo><edXML:Competence>KT.</edXML:Competence><edXML:Position>PHÓ CHỦ TỊCH</edXML:Position><edXML:FullName>Trần Quốc Vượng</edXML:FullName></edXML:SignerInfo>
<edXML:OtherInfo>` + other + `</edXML:OtherInfo></edXML:MessageHeader>
<edXML:TraceHeaderList><edXML:Bussiness><edXML:BussinessDocType>0</edXML:BussinessDocType></edXML:Bussiness></edXML:TraceHeaderList></edXML:edXMLHeader>
<edXML:edXMLBody><edXML:edXMLManifest><edXML:Reference href="cid:a1"><edXML:AttachmentName>to-trinh.pdf</edXML:AttachmentName><edXML:ContentType>application/pdf</edXML:ContentType></edXML:Reference></edXML:edXMLManifest></edXML:edXMLBody>
</edXML:edXMLEnvelope><edXML:AttachmentEncoded>` + attachments + `</edXML:AttachmentEncoded></edXML:edXML>`
}

func attachment(b64 string) string { return `<edXML:Attachment>` + b64 + `</edXML:Attachment>` }

func TestPackageBecomesAnIntake(t *testing.T) {
	t.Parallel()
	xml := envelope(`<edXML:Priority>3</edXML:Priority>`, attachment(zipped(t, "../../to-trinh.pdf", []byte("%PDF-1.7")))+attachment(zipped(t, "phu-luc.xlsx", []byte("x"))))
	p, err := dms.ParseEdXML(strings.NewReader(xml))
	if err != nil {
		t.Fatal(err)
	}
	in, files, err := p.Intake("u1", []routing.StepSpec{{Kind: routing.Leader, Signer: "vuong"}, {Kind: routing.Seal}})
	if err != nil {
		t.Fatal(err)
	}
	m := in.Metadata
	if in.ExternalID != "H26.12.01,2026/11/21,45/TTr" || m.AgencyCode != "H26.12.01" || m.Number != "45" || m.Notation != "TTr-UBND" ||
		m.Subject != "Về kế hoạch duy tu" || m.Urgency != routing.UrgencyAtOnce || m.Type != "Tờ trình" {
		t.Fatalf("intake %+v", in)
	}
	if st := in.Steps[0]; st.Capacity != "KT." || st.Post != "PHÓ CHỦ TỊCH" || st.Name != "Trần Quốc Vượng" || st.Signer != "vuong" {
		t.Fatalf("leader %+v", st)
	}
	b, err := io.ReadAll(files.Document)
	if err != nil || string(b) != "%PDF-1.7" {
		t.Fatalf("document %q, %v", b, err)
	}
	if len(in.Attachments) != 1 || in.Attachments[0].Name != "phu-luc.xlsx" || p.Files[0].Name != "to-trinh.pdf" {
		t.Fatalf("attachments %+v, first %q", in.Attachments, p.Files[0].Name)
	}
}

func TestSecretPackageIsMarkedSecret(t *testing.T) {
	t.Parallel()
	p, err := dms.ParseEdXML(strings.NewReader(envelope(`<edXML:Secrecy>1</edXML:Secrecy>`, attachment(zipped(t, "a.pdf", []byte("%PDF"))))))
	if err != nil {
		t.Fatal(err)
	}
	in, _, err := p.Intake("u1", nil)
	if err != nil || in.Metadata.Secrecy == "" {
		t.Fatalf("secrecy %q, %v", in.Metadata.Secrecy, err)
	}
}

func TestUncertainPackagesAreRefused(t *testing.T) {
	t.Parallel()
	good := attachment(zipped(t, "a.pdf", []byte("%PDF")))
	var two bytes.Buffer
	z := zip.NewWriter(&two)
	for _, n := range []string{"a.pdf", "b.pdf"} {
		if _, err := z.Create(n); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, xml := range map[string]string{
		"empty":              ``,
		"text":               `hello`,
		"doctype":            `<!DOCTYPE x [<!ENTITY a "b">]>` + envelope("", good),
		"other namespace":    strings.ReplaceAll(envelope("", good), dms.Namespace, "urn:x"),
		"no document id":     strings.Replace(envelope("", good), "H26.12.01,2026/11/21,45/TTr", "", 1),
		"two subjects":       strings.Replace(envelope("", good), "<edXML:SignerInfo>", "<edXML:Subject>khác</edXML:Subject><edXML:SignerInfo>", 1),
		"priority 7":         envelope(`<edXML:Priority>7</edXML:Priority>`, good),
		"bad date":           strings.Replace(envelope("", good), "<edXML:PromulgationDate>2026/11/21", "<edXML:PromulgationDate>21-11-2026", 1),
		"not base64":         envelope("", attachment("!!!")),
		"not a zip":          envelope("", attachment("aGVsbG8=")),
		"two files in a zip": envelope("", attachment(base64.StdEncoding.EncodeToString(two.Bytes()))),
		"deep":               strings.Repeat("<a>", 100),
		"long text":          envelope(strings.Repeat("x", 20<<10), good),
		"cut":                envelope("", good)[:900],
	} {
		if _, err := dms.ParseEdXML(strings.NewReader(xml)); !errors.Is(err, dms.ErrEdXML) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseEdXML(f *testing.F) {
	f.Add([]byte(envelope(`<edXML:Priority>1</edXML:Priority>`, attachment(zipped(f, "a.pdf", []byte("%PDF"))))))
	f.Add([]byte(`<edXML xmlns="` + dms.Namespace + `"/>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := dms.ParseEdXML(bytes.NewReader(b))
		if err != nil {
			if !errors.Is(err, dms.ErrEdXML) {
				t.Fatalf("an error without a code: %v", err)
			}
			return
		}
		// What was read survives being written again.
		if strings.ContainsAny(p.DocumentID+p.Subject, "<>&\"'\r") {
			return
		}
		again := fmt.Sprintf(`<edXML xmlns="%s"><edXMLEnvelope><edXMLHeader><MessageHeader><DocumentId>%s</DocumentId><Subject>%s</Subject><OtherInfo><Priority>%d</Priority><Secrecy>%d</Secrecy></OtherInfo></MessageHeader></edXMLHeader></edXMLEnvelope></edXML>`,
			dms.Namespace, p.DocumentID, p.Subject, p.Priority, p.Secrecy)
		q, err := dms.ParseEdXML(strings.NewReader(again))
		if err != nil || q.DocumentID != p.DocumentID || q.Subject != p.Subject || q.Priority != p.Priority || q.Secrecy != p.Secrecy {
			t.Fatalf("read %+v, again %+v, %v", p, q, err)
		}
	})
}
