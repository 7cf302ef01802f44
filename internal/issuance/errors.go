package issuance

import (
	"errors"
	"strings"
	"time"

	"github.com/kyso-vn/kyso/internal/errs"
	"github.com/kyso-vn/kyso/pki"
)

// Refusals. Those about one field say which by Field.
var (
	ErrCCCDLength = errs.New(errs.Invalid, "cccd_length",
		"Số giấy tờ phải gồm 12 chữ số.", "The identity number has 12 digits.").On("identity")
	ErrCCCDForm = errs.New(errs.Invalid, "cccd_form",
		"Số giấy tờ không hợp lệ: sai mã nơi sinh hoặc mã giới tính.", "Not an identity number: wrong code of place or sex.").On("identity")
	ErrCCCDSex = errs.New(errs.Invalid, "cccd_sex",
		"Giới tính không khớp với số giấy tờ.", "The sex does not agree with the identity number.").On("sex")
	ErrCCCDYear = errs.New(errs.Invalid, "cccd_birth_year",
		"Năm sinh không khớp với số giấy tờ.", "The year of birth does not agree with the identity number.").On("birth_date")
	ErrCardQR = errs.New(errs.Invalid, "card_qr",
		"Mã QR không phải của thẻ căn cước. Quét lại, hoặc nhập bằng tay.", "Not the QR code of an identity card. Scan again or type.").On("qr")
	ErrRequired = errs.New(errs.Invalid, "required",
		"Chưa nhập mục này.", "This field is missing.")
	ErrTooLong = errs.New(errs.Invalid, "subject_too_long",
		"Nội dung dài quá %d ký tự; dùng tên viết tắt.", "Longer than %d characters; use an abbreviation.")
	ErrText = errs.New(errs.Invalid, "text_invalid",
		"Có ký tự không được dùng.", "Holds characters that are not allowed.")
	ErrDate = errs.New(errs.Invalid, "date_invalid",
		"Ngày không hợp lệ.", "Not a valid date.")
	ErrUnderAge = errs.New(errs.Invalid, "under_age",
		"Người đăng ký phải từ đủ %d tuổi.", "The applicant must be %d or older.").On("birth_date")
	ErrMail = errs.New(errs.Invalid, "mail_invalid",
		"Địa chỉ thư điện tử không hợp lệ.", "Not a mail address.").On("mail")
	ErrPhone = errs.New(errs.Invalid, "phone_invalid",
		"Số điện thoại không hợp lệ.", "Not a telephone number.").On("phone")
	ErrKind = errs.New(errs.Invalid, "kind_unknown",
		"Loại chứng thư không có.", "There is no such kind of certificate.").On("kind")
	ErrProof = errs.New(errs.Invalid, "proof_required",
		"Chưa ghi cách xác minh danh tính.", "Say how the identity was proved.").On("proof.method")
	ErrContract = errs.New(errs.Invalid, "contract_required",
		"Chưa ghi nhận hợp đồng.", "The contract is not recorded.").On("contract")
	ErrConsent = errs.New(errs.Invalid, "consent_required",
		"Chưa ghi nhận đồng ý xử lý dữ liệu cá nhân.", "The consent to process personal data is not recorded.").On("consent")
	ErrClosed = errs.New(errs.Conflict, "unit_closed",
		"Đơn vị hiện không tiếp nhận hồ sơ.", "The unit takes no applications now.")
	ErrAlreadyCertified = errs.New(errs.Conflict, "already_certified",
		"Công dân đã có chứng thư còn hiệu lực (cấp ngày %s).", "The citizen has a valid certificate (issued on %s).")
	// ErrSubscriberCertified is ErrAlreadyCertified for officers and seals; same code.
	ErrSubscriberCertified = errs.New(errs.Conflict, "already_certified",
		"Thuê bao đã có chứng thư còn hiệu lực (cấp ngày %s).", "The subscriber has a valid certificate (issued on %s).")
	ErrApplicationOpen = errs.New(errs.Conflict, "application_open",
		"Đã có hồ sơ đang xử lý của thuê bao này (lập ngày %s).", "An application of this subscriber is open (since %s).")
	ErrQuota = errs.New(errs.RateLimited, "quota_exceeded",
		"Đơn vị đã nhận đủ %d hồ sơ của ngày hôm nay.", "The unit has taken its %d applications of today.").After(time.Hour)
	ErrSamePerson = errs.New(errs.Denied, "same_person",
		"Người lập hồ sơ không được tự phê duyệt.", "Who made the application may not approve it.")
	ErrReason = errs.New(errs.Invalid, "reason_required",
		"Chưa ghi lý do.", "Give a reason.").On("reason")
	ErrState = errs.New(errs.Conflict, "state_conflict",
		"Hồ sơ hoặc chứng thư đã ở trạng thái khác. Tải lại trang.", "It is in another state by now. Reload.")
	ErrNotApproved = errs.New(errs.Conflict, "not_approved",
		"Hồ sơ chưa được phê duyệt.", "The application is not approved.")
	ErrIssuing = errs.New(errs.Unavailable, "issuing",
		"Chứng thư đang được cấp. Thử lại sau ít phút.", "The certificate is being issued. Try again shortly.").After(10 * time.Second)
	ErrNoCA = errs.New(errs.Unavailable, "no_ca",
		"Chưa có CA cho loại chứng thư này.", "No authority issues this kind of certificate.").After(time.Minute)
	ErrSubject = errs.New(errs.Invalid, "subject_invalid",
		"Không lập được tên chủ thể chứng thư (%s).", "The subject can't stand in a certificate (%s).")
	ErrAccept = errs.New(errs.Invalid, "content_not_accepted",
		"Cần xác nhận nội dung chứng thư trước khi kích hoạt.", "The content must be accepted before activation.").On("accept")
	ErrNotUsable = errs.New(errs.Conflict, "certificate_not_usable",
		"Chứng thư đã bị tạm dừng hoặc thu hồi.", "The certificate is suspended or revoked.")
	ErrRevoked = errs.New(errs.Conflict, "certificate_revoked",
		"Chứng thư đã bị thu hồi.", "The certificate is revoked.")
	ErrExpired = errs.New(errs.Conflict, "certificate_expired",
		"Chứng thư đã hết hạn.", "The certificate has expired.")
	ErrRevocationReason = errs.New(errs.Invalid, "revocation_reason",
		"Lý do thu hồi không hợp lệ.", "Not a reason for revocation.").On("reason")
	ErrInvalidityDate = errs.New(errs.Invalid, "invalidity_date",
		"Thời điểm mất hiệu lực phải nằm trong thời hạn chứng thư và không ở tương lai.", "The invalidity date must lie within the validity and not in the future.").On("invalid_at")
	ErrQuery = errs.New(errs.Invalid, "query_empty",
		"Nhập số giấy tờ, họ tên hoặc số sê-ri.", "Give an identity number, a name or a serial number.")
	ErrCursor = errs.New(errs.Invalid, "cursor_invalid",
		"Con trỏ trang không hợp lệ.", "Not a cursor of this list.").On("cursor")
	ErrCAExists = errs.New(errs.Conflict, "ca_exists",
		"Đã có CA khác cùng tên.", "Another authority has this name.")
	ErrSerialTaken = errs.New(errs.Conflict, "serial_taken", "Số sê-ri đã dùng.", "The serial number is taken.")
	ErrKeyUsed     = errs.New(errs.Conflict, "key_used",
		"Khóa này đã có chứng thư.", "The key was certified before.")
)

// Invalid is several refusals at once, one for each wrong field.
type Invalid []*errs.Error

// Error lists the codes and fields.
func (v Invalid) Error() string {
	parts := make([]string, len(v))
	for i, e := range v {
		parts[i] = e.Field + ": " + e.Code
	}
	return "invalid application: " + strings.Join(parts, "; ")
}

// Unwrap returns the refusals, so that errors.Is and errs.KindOf see them.
func (v Invalid) Unwrap() []error {
	list := make([]error, len(v))
	for i, e := range v {
		list[i] = e
	}
	return list
}

func (v *Invalid) add(e *errs.Error) { *v = append(*v, e) }

// err returns nil when nothing is wrong.
func (v Invalid) err() error {
	if len(v) == 0 {
		return nil
	}
	return v
}

// invalidOf makes a refusal of an error that pki says is the subject's fault; other errors
// stay as they are.
func invalidOf(err error) error {
	e, ok := errors.AsType[*pki.Error](err)
	if !ok || !strings.HasPrefix(string(e.Code), "subject_") {
		return err
	}
	return ErrSubject.Format(e.Field).Wrap(err)
}
