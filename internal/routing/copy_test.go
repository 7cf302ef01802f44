package routing_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/internal/routing"
	"github.com/kyso-vn/kyso/signer/validate"
)

// issued is a document that has gone the whole way.
func (r *rig) issued(t *testing.T, id string) []byte {
	t.Helper()
	in := r.intake(id)
	in.Steps = in.Steps[1:]
	v := r.accept(t, in, pdf(t, "quyet-dinh"))
	r.mustAct(t, r.leader, routing.ActSign, v.ID)
	r.mustAct(t, r.clerk, routing.ActSeal, v.ID)
	return r.content(t, v.ID, 0)
}

func TestCopiesCarryFormAgencyAndTime(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		original := r.issued(t, "QD-1")
		for name, c := range map[string]struct {
			form, printed string
			file          []byte
			signatures    int
		}{
			"of an electronic document": {"", "SAO Y", original, 3},
			"of a scan":                 {"sao lục", "SAO LỤC", pdf(t, "phu-luc"), 1},
			"an excerpt":                {"TRI\u0301CH SAO", "TRÍCH SAO", page(t, "0 0 595.28 841.89", "/Rotate 90"), 1},
		} {
			in := r.intake(name)
			in.Steps = []routing.StepSpec{{Kind: routing.Copy, CopyForm: c.form}}
			v := r.accept(t, in, c.file)
			if v.Revision != 1 {
				t.Errorf("%s: the file was changed before it was signed", name)
			}
			if _, err := r.act(t, r.leader, routing.ActCopy, nil, v.ID); err == nil {
				t.Errorf("%s: the leader made the copy", name)
			}
			res := r.mustAct(t, r.clerk, routing.ActCopy, v.ID)
			if d := res.Documents[0]; d.State != routing.Issued {
				t.Errorf("%s: %+v", name, d)
			}
			got := r.content(t, v.ID, 0)
			if !bytes.HasPrefix(got, c.file) {
				t.Errorf("%s: the original is not at the front", name)
			}
			at := r.Now().In(time.FixedZone("", 7*3600)).Format("2006-01-02T15:04:05") + "+07:00"
			judged(t, got, c.signatures, c.printed, "Phường Ba Đình", at)
			render(t, name, got, 1)
			rep, err := r.Report(r.client, v.ID)
			if err != nil || rep.Verdict != validate.VerdictPassed || len(rep.Signatures) != c.signatures {
				t.Errorf("%s: report %s %+v, %v", name, rep.Verdict, rep.Signatures, err)
			}
		}
		in := r.intake("unknown form")
		in.Steps = []routing.StepSpec{{Kind: routing.Copy, CopyForm: "SAO CHỤP"}}
		if _, _, err := r.Accept(r.client, in, routing.Files{Document: bytes.NewReader(original)}); !errors.Is(err, routing.ErrMetadata) || !strings.Contains(err.Error(), "form of copy") {
			t.Errorf("an unknown form: %v", err)
		}
	})
}
