package issuance_test

import (
	"errors"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/internal/issuance"
	"github.com/kyso-vn/kyso/internal/testkit/desk"
)

// A scanner types the whole card where the cursor is.
func TestAnIdentityNumberInTheFieldForTheNameIsNotStoredInClear(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *desk.Rig) {
		f := r.Citizen()
		f.Name = f.Identity + "|Nguyễn Văn Đức"
		v, err := r.SaveDraft(r.Counter(), "", f)
		if err != nil {
			t.Fatal(err)
		}
		if n := count(t, r, `SELECT COUNT(*) FROM applications WHERE name LIKE '%001090%' OR name_folded LIKE '%001090%'`); n != 0 {
			t.Error("the number is in the database")
		}
		if back, err := r.Draft(r.Counter(), v.ID); err != nil || back.Name != f.Name {
			t.Errorf("what was typed is gone: %q, %v", back.Name, err)
		}
		if _, err := r.SubmitDraft(r.Counter(), v.ID); !errors.Is(err, issuance.ErrText) {
			t.Errorf("submitted: %v", err)
		}
	})
}

func TestABirthdayBeginsAtMidnightInTheCity(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *desk.Rig) {
		// 00:30 on 22 November in Hanoi.
		r.Advance(time.Date(2026, 11, 21, 17, 30, 0, 0, time.UTC).Sub(r.Now()))
		f := r.Citizen()
		f.Identity, f.BirthDate = "001211000001", "2011-11-22"
		if _, err := r.Submit(r.Counter(), f); err != nil {
			t.Errorf("15 since midnight: %v", err)
		}
		f.Identity, f.BirthDate = "001211000002", "2011-11-23"
		if _, err := r.Submit(r.Counter(), f); !errors.Is(err, issuance.ErrUnderAge) {
			t.Errorf("15 tomorrow: %v", err)
		}
	})
}
