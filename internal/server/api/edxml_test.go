package api_test

import (
	"archive/zip"
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/kyso-vn/kyso/internal/dms"
	"github.com/kyso-vn/kyso/internal/routing"
	"github.com/kyso-vn/kyso/internal/testkit/db"
)

// edXML is a package with one file.
func edXML(t testing.TB, file []byte) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("to-trinh.pdf")
	must(t, err)
	_, err = w.Write(file)
	must(t, err)
	must(t, z.Close())
	return `<e:edXML xmlns:e="` + dms.Namespace + `"><e:edXMLEnvelope><e:edXMLHeader><e:MessageHeader>
<e:From><e:OrganId>H26.12.01</e:OrganId></e:From><e:To><e:OrganId>H26</e:OrganId></e:To><e:DocumentId>H26.12.01,2026/11/21,45/TTr</e:DocumentId>
<e:Code><e:CodeNumber></e:CodeNumber><e:CodeNotation>QĐ-UBND</e:CodeNotation></e:Code>
<e:DocumentType><e:TypeName>Quyết định</e:TypeName></e:DocumentType><e:Subject>Về kế hoạch duy tu</e:Subject>
<e:SignerInfo><e:Competence>KT.</e:Competence><e:Position>PHÓ CHỦ TỊCH</e:Position><e:FullName>Trần Quốc Vượng</e:FullName></e:SignerInfo>
</e:MessageHeader><e:TraceHeaderList><e:Bussiness><e:BussinessDocType>0</e:BussinessDocType></e:Bussiness></e:TraceHeaderList></e:edXMLHeader>
<e:edXMLBody><e:edXMLManifest><e:Reference href="cid:a1"><e:AttachmentName>to-trinh.pdf</e:AttachmentName><e:ContentType>application/pdf</e:ContentType></e:Reference></e:edXMLManifest></e:edXMLBody>
</e:edXMLEnvelope><e:AttachmentEncoded><e:Attachment>` + base64.StdEncoding.EncodeToString(b.Bytes()) + `</e:Attachment></e:AttachmentEncoded></e:edXML>`
}

func TestAnEdXMLPackageIsADocument(t *testing.T) {
	t.Parallel()
	r := newRig(t, db.SQLite(t))
	send := func(unit, steps, body string) answer {
		return r.do(t, request{method: http.MethodPost, path: "/api/v1/documents?unit_id=" + url.QueryEscape(unit), as: "dms", key: rand.Text(), media: "application/xml",
			header: map[string]string{"Kyso-Steps": steps}, body: strings.NewReader(body)})
	}
	pkg := edXML(t, pdf(t, "quyet-dinh"))
	steps := `[{"kind":"leader","signer":"vuong"},{"kind":"seal","seal_diameter_mm":36}]`
	var v routing.View
	send(r.Ward.ID, steps, pkg).into(t, &v)
	if v.ExternalID != "H26.12.01,2026/11/21,45/TTr" || len(v.Steps) != 2 || v.Steps[0].Post != "PHÓ CHỦ TỊCH" || v.Metadata.Subject != "Về kế hoạch duy tu" {
		t.Fatalf("%+v", v)
	}
	for name, c := range map[string]struct {
		a    answer
		code string
	}{
		"no unit":       {send("", steps, pkg), "not_found"},
		"broken steps":  {send(r.Ward.ID, `[{"kind":"leader"}`, pkg), "steps_invalid"},
		"smuggled keys": {send(r.Ward.ID, `[],"x":[]`, pkg), "steps_invalid"},
		"no XML":        {send(r.Ward.ID, steps, "xin chào"), "edxml_invalid"},
		"a text inside": {send(r.Ward.ID, steps, strings.Replace(edXML(t, []byte("xin chào")), "45/TTr", "46/TTr", 1)), "not_pdf"},
	} {
		if c.a.code() != c.code {
			t.Errorf("%s: %d %s", name, c.a.status, c.a.body)
		}
	}
}
