package validate_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/kyso-vn/kyso/signer"
	"github.com/kyso-vn/kyso/signer/pades"
	"github.com/kyso-vn/kyso/signer/validate"
)

func TestASingleSignaturePasses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := judge(t, w.sign(t, read(t, "to-trinh.pdf"), w.leader, signer.LevelB, pades.Options{Field: "chu_ky_lanh_dao"}), w.options(t))
	if r.Verdict != validate.VerdictPassed || len(r.Signatures) != 1 {
		t.Fatal(show(r))
	}
	s := r.Signatures[0]
	if s.Level != signer.LevelB || s.Coverage != validate.EntireFile || s.Modification != validate.None || s.Type != validate.Approval ||
		s.Signer != "Nguyễn Văn Ấn" || s.ClaimedTime == nil || s.BestTime != nil || !s.DocMDPOK || s.Field != "chu_ky_lanh_dao" {
		t.Error(show(r))
	}
}

func TestNumberDateAndSealLeaveEarlierSignaturesValid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, _, _, sealed := w.workflow(t)
	r := judge(t, sealed, w.options(t))
	if r.Verdict != validate.VerdictPassed || len(r.Signatures) != 3 {
		t.Fatal(show(r))
	}
	initial, leader, seal := r.Signatures[0], r.Signatures[1], r.Signatures[2]
	if leader.Modification != validate.FormFilling || leader.Coverage != validate.EntireRevision || !slices.Equal(leader.FilledFields, []string{"ngay_ban_hanh", "so_ky_hieu"}) {
		t.Error(show(r))
	}
	if initial.Modification != validate.FormFilling || seal.Modification != validate.None || seal.Coverage != validate.EntireFile || seal.Page != 1 {
		t.Error(show(r))
	}
}

func TestACertifiedFormMayBeFilled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := addFields(t, read(t, "to-trinh.pdf"), pades.FieldSpec{Name: "con_dau", LockAll: true})
	certified := w.sign(t, in, w.leader, signer.LevelB, pades.Options{Field: "chu_ky_lanh_dao", Certify: 2})
	sealed := w.sign(t, certified, w.seal, signer.LevelB, pades.Options{Field: "con_dau", Fill: map[string]string{"so_ky_hieu": "12"}})
	r := judge(t, sealed, w.options(t))
	if r.Verdict != validate.VerdictPassed || r.Signatures[0].Type != validate.Certification || r.Signatures[0].Certify != 2 ||
		r.Signatures[0].Modification != validate.FormFilling || !r.Signatures[0].DocMDPOK {
		t.Error(show(r))
	}
}

func TestEverySampleSignedTwicePasses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var files []string
	for _, pattern := range []string{"*.pdf", "*/*.pdf"} {
		m, err := filepath.Glob("../../testdata/pdf/" + pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, m...)
	}
	if len(files) < 15 {
		t.Fatalf("only %d samples", len(files))
	}
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			t.Parallel()
			in, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			o := w.options(t)
			if filepath.Base(f) == "password.pdf" {
				o.Password = "secret"
			}
			once := w.sign(t, in, w.leader, signer.LevelB, pades.Options{Password: o.Password})
			twice := w.sign(t, once, w.seal, signer.LevelB, pades.Options{Password: o.Password})
			r := judge(t, twice, o)
			if r.Verdict != validate.VerdictPassed || len(r.Signatures) != 2 || r.Signatures[0].Modification != validate.FormFilling {
				t.Error(show(r))
			}
		})
	}
}

func TestLevelsAreRecognisedAndPassOffline(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := read(t, "to-trinh.pdf")
	files := map[signer.Level][]byte{}
	for l := signer.LevelB; l <= signer.LevelLTA; l++ {
		files[l] = w.sign(t, in, w.leader, l, pades.Options{})
	}
	o := w.options(t)
	o.CRLs = nil
	for l, file := range files {
		r := judge(t, file, o)
		want := validate.VerdictPassed
		if l < signer.LevelLT {
			want = validate.VerdictIndeterminate
		}
		if r.Verdict != want || r.Signatures[0].Level != l {
			t.Errorf("%s: %s", l, show(r))
		}
		if l == signer.LevelB && r.Signatures[0].SubIndication != validate.TryLater {
			t.Error(show(r))
		}
	}
	renewed := w.augment(t, files[signer.LevelLTA], signer.LevelLTA)
	r := judge(t, renewed, o)
	if r.Verdict != validate.VerdictPassed || r.Signatures[0].Modification != validate.LTAUpdates || r.Signatures[1].Modification != validate.LTAUpdates ||
		r.Signatures[2].Type != validate.DocTimestamp || r.Signatures[0].BestTime == nil {
		t.Error(show(r))
	}
}
