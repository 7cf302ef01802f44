package mail_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/kyso-vn/kyso/internal/mail"
)

func TestAMessageIsOneWholePrivateFile(t *testing.T) {
	t.Parallel()
	o := mail.Outbox{Dir: filepath.Join(t.TempDir(), "out")}
	for range 2 {
		if err := o.Put(mail.Message{ID: "a-1", Kind: "activation", To: "0912345321", Body: json.RawMessage(`{"code":"X"}`)}); err != nil {
			t.Fatal(err)
		}
	}
	files, err := os.ReadDir(o.Dir)
	if err != nil || len(files) != 1 || files[0].Name() != "a-1.json" {
		t.Fatalf("%v %v", files, err)
	}
	info, err := files[0].Info()
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v %v", info.Mode(), err)
	}
	if err := o.Put(mail.Message{ID: "../x"}); err == nil {
		t.Fatal("an id that is a path was taken")
	}
}
