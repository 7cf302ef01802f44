package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/kyso-vn/kyso/internal/testkit/dmsstub"
	"github.com/kyso-vn/kyso/internal/testkit/stage"
)

// story is one run of the main job.
type story struct {
	*stage.Stage
	unit, point string // ids
	issued      int64  // certificates that this run issued
}

// tell runs the story on a service that is up.
func (s *story) tell(ctx context.Context) error {
	var err error
	if s.unit, s.point, err = s.Ward(ctx); err != nil {
		return err
	}
	before, err := s.counts(ctx)
	if err != nil {
		return err
	}
	if err := s.citizen(ctx); err != nil {
		return fmt.Errorf("citizen: %w", err)
	}
	if err := s.officer(ctx); err != nil {
		return fmt.Errorf("officer: %w", err)
	}
	if err := s.document(ctx); err != nil {
		return fmt.Errorf("document: %w", err)
	}
	after, err := s.counts(ctx)
	if err != nil {
		return err
	}
	s.Say("• Số liệu của phường: %d chứng thư còn hiệu lực trước, %d sau; cấp trong lần này: %d / counts", before.Closing, after.Closing, s.issued)
	if after.New-before.New != s.issued || after.Closing-before.Closing != s.issued || after.Opening+after.Gained-after.Lost != after.Closing {
		return fmt.Errorf("the counts do not agree: before %+v, after %+v, issued %d", before, after, s.issued)
	}
	return nil
}

func (s *story) citizen(ctx context.Context) error {
	number := fmt.Sprintf("0011%02d%s", 90, stage.Digits(6)) // a woman born in 1990
	s.Say("• Cán bộ tiếp nhận lập hồ sơ cho công dân; người thứ hai phê duyệt / a clerk issues a citizen's certificate")
	app, err := s.Apply(ctx, "tiepnhan", map[string]any{"kind": "citizen", "unit_id": s.unit, "identity": number, "name": "Nguyễn Thị Mỹ Lệ Quỳnh",
		"birth_date": "1990-03-12", "sex": "nu", "address": "Số 5 Hàng Bông, Hà Nội", "phone": "0912345321", "point_id": s.point,
		"proof": map[string]any{"method": "card"}, "contract": map[string]any{"signed": true, "number": "HĐ-" + number[6:]},
		"consent": map[string]any{"given": true, "text": "03/2026"}})
	if err != nil {
		return err
	}
	s.issued++
	if err := s.Activate(ctx, app, stage.Digits(8)); err != nil {
		return err
	}
	s.Say("  hồ sơ %s, chứng thư %s…, đến %s, đã kích hoạt", app.Number, app.Certificate.Serial[:8], app.Certificate.NotAfter.Format("02/01/2006"))
	return nil
}

// officer gives the leader and the ward their certificates, the first time.
func (s *story) officer(ctx context.Context) error {
	if s.State.Accounts["lanhdao"].Credential == "" {
		s.Say("• Cấp chứng thư cho lãnh đạo / the leader's certificate")
		if err := s.Officer(ctx, "lanhdao", s.unit); err != nil {
			return err
		}
		s.issued++
	}
	clerk := s.State.Accounts["vanthu"]
	if clerk.Credential == "" {
		s.Say("• Cấp chứng thư cho cơ quan (con dấu) / the ward's seal")
		app, err := s.Apply(ctx, "quantri.phuong", map[string]any{"kind": "organisation", "unit_id": s.unit, "organisation_name": "ỦY BAN NHÂN DÂN PHƯỜNG CỬA NAM",
			"proof": map[string]any{"method": "card"}, "contract": map[string]any{"signed": true, "number": "HĐ-CQ"}})
		if err != nil {
			return err
		}
		s.issued++
		clerk = s.State.Accounts["vanthu"]
		clerk.Credential = app.Certificate.Credential
		s.State.Accounts["vanthu"] = clerk
	}
	return s.State.Save(s.Dir)
}

// document is the way of an outgoing document.
func (s *story) document(ctx context.Context) error {
	dms, err := dmsstub.Start(dmsstub.Options{Kyso: s.URL(stage.Public), ClientID: s.State.Client.ID, Secret: s.State.Client.Secret,
		CallbackKey: s.State.Client.Key, Listen: strings.TrimPrefix(s.URL(stage.Stub), "http://")})
	if err != nil {
		return err
	}
	defer dms.Close()
	// 1. The document system hands over a real PDF.
	external := "VB-" + stage.Digits(8)
	intake, err := json.Marshal(map[string]any{"external_id": external, "unit_id": s.unit,
		"metadata": map[string]any{"agency_code": "H26.82", "notation": "TTr-UBND", "subject": "Tờ trình về việc bổ sung trang thiết bị cho Điểm phục vụ hành chính công phường Cửa Nam",
			"type": "Tờ trình", "origin": "Phòng Kinh tế", "urgency": "hoa_toc"},
		"steps": []any{
			map[string]any{"kind": "leader", "signer": "lanhdao", "capacity": "KT.", "post": "PHÓ CHỦ TỊCH", "name": "Nguyễn Thị Ánh Tuyết", "place": map[string]any{"field": "chu_ky_lanh_dao"}},
			map[string]any{"kind": "seal", "place": map[string]any{"field": "con_dau"}}}})
	if err != nil {
		return err
	}
	s.Say("• Hệ thống quản lý văn bản chuyển tờ trình đến lãnh đạo / the document system hands over a PDF")
	doc, err := dms.Submit(ctx, intake, stage.DocumentFile, "")
	if err != nil {
		return err
	}
	clerk, err := s.Login(ctx, "vanthu")
	if err != nil {
		return err
	}
	// 2. The clerk cannot seal before the leader has signed.
	number, err := s.number()
	if err != nil {
		return err
	}
	seal := map[string]any{"documents": []string{doc.ID}, "act": "seal", "seal": map[string]any{doc.ID: map[string]any{"number": number, "date": time.Now().In(hanoi).Format(time.DateOnly)}}}
	var refusal *stage.Problem
	if err := clerk.Post(ctx, "/api/v1/authorizations", seal, nil); !errors.As(err, &refusal) || refusal.Code != "seal_before_leader" {
		return fmt.Errorf("a seal before the leader's signature: %w", errors.Join(err, errors.New("was not refused as it should")))
	}
	s.Say("  đóng dấu trước chữ ký: bị từ chối (%s) / sealing first is refused", refusal.Code)
	// 3. The leader signs with PIN and one-time password.
	leader, err := s.Login(ctx, "lanhdao")
	if err != nil {
		return err
	}
	if err := s.act(ctx, leader, doc.ID, "sign", map[string]any{"documents": []string{doc.ID}, "act": "sign"}); err != nil {
		return fmt.Errorf("leader: %w", err)
	}
	s.Say("• Lãnh đạo đã ký số / the leader has signed")
	// 4. The clerk gives number and date and seals.
	if err := s.act(ctx, clerk, doc.ID, "seal", seal); err != nil {
		return fmt.Errorf("clerk: %w", err)
	}
	s.Say("• Văn thư đã cấp số, ngày và ký số cơ quan / the clerk has numbered and sealed")
	// 5. It comes back by a signed callback.
	wait, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	back, err := dms.Wait(wait, doc.ID, "document.issued")
	if err != nil {
		return fmt.Errorf("callback: %w", err)
	}
	out := s.Path("out", external+".pdf")
	if err := os.MkdirAll(s.Path("out"), 0o755); err != nil {
		return err
	}
	if err := dms.Fetch(ctx, back.Links.Content, out); err != nil {
		return err
	}
	s.Say("• Hệ thống quản lý văn bản nhận lại: %s, mức %s, %s / the document came back", back.Document.State, back.Document.Level, out)
	return nil
}

// number is the clerk's next, kept before it is used: a run that breaks off leaves a gap and
// not a number that is taken.
func (s *story) number() (string, error) {
	done, err := filepath.Glob(s.Path("out", "*.pdf")) // an installation of before they were counted
	if err != nil {
		return "", err
	}
	s.State.Documents = max(s.State.Documents, len(done)) + 1
	return fmt.Sprintf("%d/TTr-UBND", 11+s.State.Documents), s.State.Save(s.Dir)
}

var hanoi = time.FixedZone("+07", 7*3600)

// authorise asks for a SAD.
func (s *story) authorise(ctx context.Context, v *stage.Visitor, body map[string]any, out any) error {
	otp, err := v.OTP(ctx)
	if err != nil {
		return err
	}
	body["otp"] = otp
	if pin := v.PIN(); pin != "" {
		body["pin"] = pin
	}
	return v.Post(ctx, "/api/v1/authorizations", body, out)
}

// act authorises and does a step of a document and waits until it is done.
func (s *story) act(ctx context.Context, v *stage.Visitor, id, verb string, body map[string]any) error {
	var grant struct {
		SAD string `json:"sad"`
	}
	if err := s.authorise(ctx, v, body, &grant); err != nil {
		return err
	}
	if err := v.Post(ctx, "/api/v1/documents/"+id+"/"+verb, map[string]any{"sad": grant.SAD}, nil); err != nil {
		return err
	}
	want := map[string]string{"sign": "leader", "seal": "seal"}[verb]
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		var doc struct {
			Level string `json:"level"`
			Steps []struct {
				Kind  string `json:"kind"`
				State string `json:"state"`
			} `json:"steps"`
		}
		if err := v.Get(ctx, "/api/v1/documents/"+id, &doc); err != nil {
			return err
		}
		for _, step := range doc.Steps {
			if step.Kind == want && step.State == "done" && doc.Level == "B-LT" {
				return nil
			}
		}
	}
	return errors.New("the signature did not become B-LT in time")
}

// row is the part of a report's row that the story checks.
type row struct {
	Opening int64 `json:"opening"`
	New     int64 `json:"new"`
	Gained  int64 `json:"gained"`
	Lost    int64 `json:"lost"`
	Closing int64 `json:"closing"`
}

func (s *story) counts(ctx context.Context) (row, error) {
	v, err := s.Login(ctx, "kiemtoan")
	if err != nil {
		return row{}, err
	}
	day := time.Now().In(hanoi).Format(time.DateOnly)
	var r struct {
		Total row `json:"total"`
	}
	err = v.Get(ctx, "/api/v1/reports/issuance?by=unit&from="+day+"&to="+day+"&unit_id="+s.unit, &r)
	return r.Total, err
}
