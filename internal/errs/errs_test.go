package errs_test

import (
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/kyso-vn/kyso/internal/errs"
)

func TestCopiesKeepTheCodeAndLeaveTheOriginalAlone(t *testing.T) {
	t.Parallel()
	base := errs.New(errs.Conflict, "dup", "đã có từ %s", "exists since %s")
	e := base.Format("05/01/2026").On("cccd").After(time.Second).Wrap(io.EOF)
	wrapped := fmt.Errorf("submit: %w", e)
	if !errors.Is(wrapped, base) || !errors.Is(wrapped, io.EOF) {
		t.Fatalf("identity lost: %v", wrapped)
	}
	if e.VI != "đã có từ 05/01/2026" || e.Text("en") != "exists since 05/01/2026" || e.Field != "cccd" {
		t.Fatalf("copy is %+v", e)
	}
	if base.Field != "" || base.Err != nil || base.RetryAfter != 0 || base.VI != "đã có từ %s" {
		t.Fatalf("original changed: %+v", base)
	}
}

func TestAReasonIsSaidInBothLanguages(t *testing.T) {
	t.Parallel()
	base := errs.New(errs.Conflict, "state", "Văn bản đang ở trạng thái “%s”.", "The document is %s.")
	e := base.Reason("Chờ ký 100%", "waiting, 100%")
	if e.Text("vi") != "Văn bản đang ở trạng thái “Chờ ký 100%”." || e.Text("en") != "The document is waiting, 100%." || !errors.Is(e, base) {
		t.Fatalf("copy is %+v", e)
	}
	if base.VI != "Văn bản đang ở trạng thái “%s”." {
		t.Fatalf("original changed: %+v", base)
	}
}

func TestKindOfAnUnknownErrorIsFault(t *testing.T) {
	t.Parallel()
	if k := errs.KindOf(io.EOF); k != errs.Fault {
		t.Fatalf("kind %d", k)
	}
	if k := errs.KindOf(fmt.Errorf("x: %w", errs.New(errs.Denied, "no", "", ""))); k != errs.Denied {
		t.Fatalf("kind %d", k)
	}
}
