package validate_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/signer"
	"github.com/kyso-vn/kyso/signer/pades"
	"github.com/kyso-vn/kyso/signer/validate"
)

// FuzzFile: nothing panics or hangs; what differs from the honest file in more than white
// space at its end never passes; the report survives JSON.
func FuzzFile(f *testing.F) {
	w := newWorld(f)
	_, _, signed, sealed := w.workflow(f)
	lta := w.sign(f, read(f, "to-trinh.pdf"), w.leader, signer.LevelLTA, pades.Options{})
	small := w.sign(f, shadow(f), w.leader, signer.LevelB, pades.Options{})
	honest := [][]byte{signed, sealed, lta, small}
	for _, b := range honest {
		f.Add(b)
	}
	f.Add(read(f, "qpdf/object-streams.pdf"))
	f.Add([]byte("%PDF-1.7\n"))
	o := w.options(f)
	o.Timeout = 5 * time.Second
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := validate.File(t.Context(), bytes.NewReader(b), int64(len(b)), o)
		if err != nil {
			t.Fatal(err)
		}
		if r.Verdict == validate.VerdictPassed {
			known := false
			for _, h := range honest {
				known = known || bytes.HasPrefix(h, bytes.TrimRight(b, "\r\n\t \f\x00")) || bytes.HasPrefix(b, h)
			}
			if !known {
				t.Errorf("a file nobody signed passes: %s", show(r))
			}
		}
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var again validate.Report
		if err := json.Unmarshal(text, &again); err != nil || again.Verdict != r.Verdict || len(again.Signatures) != len(r.Signatures) {
			t.Errorf("the report does not survive JSON: %v", err)
		}
	})
}
