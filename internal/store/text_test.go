package store_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/internal/agent"
	"github.com/kyso-vn/kyso/internal/audit"
	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/errs"
	"github.com/kyso-vn/kyso/internal/store"
	"github.com/kyso-vn/kyso/internal/testkit/db"
)

func TestAnIDThatCannotBeIsOneThatIsNot(t *testing.T) {
	t.Parallel()
	db.Each(t, func(t *testing.T, s *store.Store) {
		for _, id := range []string{"a\x00b", "a\xffb"} {
			if _, err := s.Key(t.Context(), id); !errors.Is(err, agent.ErrNoCredential) {
				t.Errorf("%q: key: %v", id, err)
			}
			if _, err := s.AccountByLogin(t.Context(), id); !errors.Is(err, auth.ErrLogin) {
				t.Errorf("%q: account: %v", id, err)
			}
			if err := s.InsertToken(t.Context(), []byte("h"), id, time.Now()); errs.KindOf(err) != errs.Invalid {
				t.Errorf("%q: written: %v", id, err)
			}
		}
	})
}

func TestARefusalIsRecordedWhateverTheObjectIsCalled(t *testing.T) {
	t.Parallel()
	db.Each(t, func(t *testing.T, s *store.Store) {
		long := make([]byte, 8000) // of a kind that does not compress
		for i := range long {
			long[i] = byte('!' + rand.IntN(90))
		}
		for _, object := range []string{"credential:a\x00b", "credential:\xff", "credential:" + string(long)} {
			err := s.RecordAudit(t.Context(), audit.Event{At: time.Now(), Actor: "a", Action: "x.y", Object: object, Outcome: audit.OutcomeRefused})
			if err != nil {
				t.Errorf("%.20q: %v", object, err)
			}
		}
	})
}

func TestTheDatabaseIsForItsOwnerOnly(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "kyso.db")
	s, err := store.Open(t.Context(), store.Options{DSN: "sqlite:" + path, DataKey: make([]byte, 32), IndexKey: make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) < 2 {
		t.Fatalf("%v %v", files, err)
	}
	for _, f := range files {
		if info, err := os.Stat(f); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v", filepath.Base(f), info.Mode(), err)
		}
	}
}
