package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/kyso-vn/kyso/internal/testkit/stamps"
	"github.com/kyso-vn/kyso/internal/testkit/token"
)

// Units of the story: a ward of today by its administrative code, and the city.
const (
	wardCode = "00082" // Phường Cửa Nam
	cityCode = "01"
)

// cast are the people of the story. Identity numbers are invented: province 001, and a
// birth year and sex that agree.
var cast = []account{
	{Login: "quantri", Role: "city_admin", Unit: "*", Name: "Phạm Quốc Bảo", Identity: "CCCD:001080000011"},
	{Login: "kiemtoan", Role: "auditor", Unit: "*", Name: "Đỗ Thị Hằng", Identity: "CCCD:001182000012"},
	{Login: "quantri.phuong", Role: "unit_admin", Unit: wardCode, Name: "Lý Minh Châu", Identity: "CCCD:001184000013"},
	{Login: "tiepnhan", Role: "counter", Unit: wardCode, Name: "Vũ Ngọc Ánh", Identity: "CCCD:001190000014"},
	{Login: "duyet", Role: "approver", Unit: wardCode, Name: "Bùi Văn Thắng", Identity: "CCCD:001078000015"},
	{Login: "lanhdao", Role: "signer", Unit: wardCode, Name: "Nguyễn Thị Ánh Tuyết", Identity: "CCCD:001175000016"},
	{Login: "vanthu", Role: "clerk", Unit: wardCode, Name: "Trần Đức Ưng", Identity: "CCCD:001088000017"},
}

// stage is one installation under a folder, driven through the real program.
type stage struct {
	dir, kyso string
	state     *state
	out       *bufio.Writer
	serve     bool
}

func (s *stage) say(format string, args ...any) {
	fmt.Fprintf(s.out, format+"\n", args...)
	s.out.Flush()
}

func (s *stage) path(parts ...string) string {
	return filepath.Join(append([]string{s.dir}, parts...)...)
}

func (s *stage) url(port int) string { return fmt.Sprintf("http://127.0.0.1:%d", s.state.Ports[port]) }

// run runs a command of kyso and returns its lines of JSON.
func (s *stage) run(ctx context.Context, args ...string) ([]map[string]any, error) {
	cmd := exec.CommandContext(ctx, s.kyso, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("kyso %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(errs.String()))
	}
	var lines []map[string]any
	for dec := json.NewDecoder(&out); dec.More(); {
		var line map[string]any
		if err := dec.Decode(&line); err != nil {
			return nil, fmt.Errorf("kyso %s printed no JSON: %w", strings.Join(args, " "), err)
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// install makes token, configuration, CAs, units and accounts, the first time.
func (s *stage) install(ctx context.Context) error {
	if s.state.Ready {
		s.say("• Dùng lại dữ liệu trong %s / using the installation in %s", s.dir, s.dir)
		return nil
	}
	if s.state.TokenPIN != "" {
		return fmt.Errorf("an earlier set-up in %s did not end; remove the folder and start again", s.dir)
	}
	// 1. The token, SoftHSM in the place of the city's HSM.
	s.say("• Khởi tạo thiết bị khóa (SoftHSM) / token")
	s.state.TokenPIN = password()
	if err := s.ports(); err != nil {
		return err
	}
	if err := s.state.save(s.dir); err != nil {
		return err
	}
	if err := token.Init(s.path("token"), "kyso", s.state.TokenPIN, password()); err != nil {
		return err
	}
	if err := os.WriteFile(s.path("token.pin"), []byte(s.state.TokenPIN+"\n"), 0o600); err != nil {
		return err
	}
	// 2. The configuration.
	if err := s.configure(); err != nil {
		return err
	}
	// 3. Root, issuing CAs, OCSP responders, time-stamp authority.
	s.say("• Lễ tạo khóa: CA gốc, CA cấp phát, OCSP, dấu thời gian / key ceremony")
	if err := os.WriteFile(s.path("ceremony.yaml"), []byte(ceremonyYAML), 0o644); err != nil {
		return err
	}
	if _, err := s.run(ctx, "ceremony", "--config", s.path("kyso.yaml"), s.path("ceremony.yaml")); err != nil {
		return err
	}
	// 4. The units of Hanoi, and who works where.
	s.say("• Nhập đơn vị hành chính Hà Nội / units")
	if _, err := s.run(ctx, "unit", "import", "--config", s.path("kyso.yaml"), unitsFile); err != nil {
		return err
	}
	if err := s.people(ctx); err != nil {
		return err
	}
	s.state.Ready = true
	return s.state.save(s.dir)
}

// ports are chosen once: the plain listener's address stands in every certificate.
func (s *stage) ports() error {
	if s.serve {
		s.state.Ports = [4]int{8080, 8081, 8082, 8083}
		return nil
	}
	return freePorts(s.state.Ports[:])
}

func (s *stage) configure() error {
	module, err := token.Module()
	if err != nil {
		return err
	}
	host := "127.0.0.1"
	if s.serve {
		host = "localhost"
	}
	p := s.state.Ports
	text := fmt.Sprintf(`# Made by the demonstration. Not for production: SoftHSM, plain HTTP.
database: "sqlite:%s"
documents: "%s"
outbox: "%s"
hsm:
  module: "%s"
  token: kyso
  pin_file: "%s"
  config: "%s"
listen: {public: "127.0.0.1:%d", plain: "127.0.0.1:%d", admin: "127.0.0.1:%d"}
url: {public: "http://%s:%d", plain: "http://127.0.0.1:%d"}
outgoing: {allow: ["127.0.0.1"]}
`, s.path("kyso.db"), s.path("documents"), s.path("outbox"), module, s.path("token.pin"), token.Conf(s.path("token")),
		p[0], p[1], p[2], host, p[0], p[1])
	return os.WriteFile(s.path("kyso.yaml"), []byte(text), 0o600)
}

// people writes the set-up file, gives it to kyso and keeps the secrets that it prints.
func (s *stage) people(ctx context.Context) error {
	s.say("• Tạo đơn vị, điểm phục vụ, tài khoản, mẫu chữ ký và con dấu / people and pictures")
	var b strings.Builder
	b.WriteString("policies:\n  - {unit: \"" + wardCode + "\", needs_approval: true}\n")
	b.WriteString("points:\n  - {unit: \"" + wardCode + "\", name: Điểm phục vụ hành chính công phường Cửa Nam, address: \"2 Hàng Cót, Hà Nội\", desks: [Quầy 1, Quầy 2]}\n")
	b.WriteString("accounts:\n")
	for _, a := range cast {
		a.Password, a.PIN = password(), ""
		if a.Role == "signer" {
			a.PIN = digits(8)
		}
		s.state.Accounts[a.Login] = a
		file := "password." + a.Login
		if err := os.WriteFile(s.path(file), []byte(a.Password+"\n"), 0o600); err != nil {
			return err
		}
		fmt.Fprintf(&b, "  - {login: %s, password_file: %s, name: %q, identity: %q, mail: %s@hanoi.example, totp: true, grants: [\"%s@%s\"]}\n",
			a.Login, file, a.Name, a.Identity, a.Login, a.Role, a.Unit)
	}
	fmt.Fprintf(&b, "clients:\n  - {name: DMS, callback: \"%s/callback\", grants: [\"client@*\"]}\n", s.url(3))
	leader, err := stamps.Signature("Ánh Tuyết")
	if err != nil {
		return err
	}
	seal, err := stamps.Seal(36, stamps.SealText{Above: "ỦY BAN NHÂN DÂN", Centre: "PHƯỜNG CỬA NAM"})
	if err != nil {
		return err
	}
	for name, png := range map[string][]byte{"leader.png": leader, "seal.png": seal} {
		if err := os.WriteFile(s.path(name), png, 0o644); err != nil {
			return err
		}
	}
	b.WriteString("pictures:\n  - {login: lanhdao, unit: \"" + wardCode + "\", file: leader.png}\n  - {unit: \"" + wardCode + "\", file: seal.png, diameter_mm: 36}\n")
	if err := os.WriteFile(s.path("setup.yaml"), []byte(b.String()), 0o600); err != nil {
		return err
	}
	lines, err := s.run(ctx, "setup", "--config", s.path("kyso.yaml"), s.path("setup.yaml"))
	if err != nil {
		return err
	}
	for _, l := range lines {
		if login, ok := l["account"].(string); ok {
			a := s.state.Accounts[login]
			a.TOTP, _ = l["totp_secret"].(string)
			s.state.Accounts[login] = a
		}
		if _, ok := l["client"]; ok {
			b, err := json.Marshal(map[string]any{"id": l["id"], "secret_or_key": l["secret"], "callback_key": l["callback_key"]})
			if err != nil {
				return err
			}
			if err := json.Unmarshal(b, &s.state.Client); err != nil {
				return err
			}
		}
	}
	return nil
}

const ceremonyYAML = `# The PKI of the demonstration, on one page.
out: ca
root:
  name: root
  key: P-384
  subject:
    - {type: C, value: VN}
    - {type: O, value: "ỦY BAN NHÂN DÂN THÀNH PHỐ HÀ NỘI"}
    - {type: CN, value: "Kyso Root CA (mẫu thử)"}
issuing:
  - name: citizen
    serves: [citizen]
    key: P-256
    subject:
      - {type: C, value: VN}
      - {type: O, value: "ỦY BAN NHÂN DÂN THÀNH PHỐ HÀ NỘI"}
      - {type: CN, value: "Kyso CA Công dân (mẫu thử)"}
  - name: officer
    serves: [officer, organisation]
    key: P-256
    subject:
      - {type: C, value: VN}
      - {type: O, value: "ỦY BAN NHÂN DÂN THÀNH PHỐ HÀ NỘI"}
      - {type: CN, value: "Kyso CA Cán bộ, cơ quan (mẫu thử)"}
  - name: service
    serves: [service]
    key: P-256
    subject:
      - {type: C, value: VN}
      - {type: O, value: "ỦY BAN NHÂN DÂN THÀNH PHỐ HÀ NỘI"}
      - {type: CN, value: "Kyso CA Dịch vụ (mẫu thử)"}
tsa:
  issuer: service
  key: P-256
  subject:
    - {type: C, value: VN}
    - {type: O, value: "ỦY BAN NHÂN DÂN THÀNH PHỐ HÀ NỘI"}
    - {type: CN, value: "Kyso Dấu thời gian (mẫu thử)"}
`
