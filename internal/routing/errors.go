package routing

import (
	"errors"
	"time"

	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/blob"
	"github.com/kyso-vn/kyso/internal/errs"
	"github.com/kyso-vn/kyso/signer"
)

// Refusals of this package.
var (
	ErrNotFound = auth.ErrNotFound

	ErrSecret = errs.New(errs.Invalid, "document_secret",
		"Văn bản có độ mật không được ký số trên hệ thống này.", "Documents marked secret are not signed on this system.").On("secrecy")
	ErrExists = errs.New(errs.Conflict, "document_exists",
		"Mã văn bản này đã được trình với nội dung khác.", "This document id was submitted before with other content.").On("external_id")
	ErrTooLarge = errs.New(errs.TooLarge, "file_too_large",
		"Tệp vượt quá dung lượng cho phép.", "The file is larger than allowed.").On("file")
	ErrMetadata = errs.New(errs.Invalid, "metadata_invalid",
		"Thông tin văn bản không hợp lệ: %s.", "The metadata are not valid: %s.")
	ErrSigned = errs.New(errs.Invalid, "already_signed",
		"Tệp đã có chữ ký số; không thể đặt thêm ô ký.", "The file is signed already; fields for the coming signatures can't be placed.").On("file")
	ErrPlace = errs.New(errs.Invalid, "place_unknown",
		"Không xác định được vị trí ký cho bước %d.", "The place of the signature of step %d can't be determined.").On("steps")
	ErrTextPlace = errs.New(errs.Invalid, "text_place_unknown",
		"Không đặt được trường %s vào vị trí đã cho.", "The field %s can't be placed where it was asked for.")
	ErrFieldTaken = errs.New(errs.Invalid, "field_filled",
		"Trường %s trong tệp không phải là trường văn bản trống.", "The field %s of the file is not an empty text field.")
	ErrNotation = errs.New(errs.Invalid, "notation_differs",
		"Ký hiệu in sẵn trên văn bản là %s.", "The notation printed on the document is %s.").On("number")
	ErrTextFit = errs.New(errs.Invalid, "text_too_wide",
		"Trường số, ký hiệu hoặc ngày ban hành quá nhỏ cho nội dung cần ghi.", "The field of number or date is too small for what is to stand in it.")
	ErrSigner = errs.New(errs.Invalid, "signer_unknown",
		"Không tìm thấy tài khoản người ký %q.", "There is no account of the signer %q.").On("steps")
	ErrSealSize = errs.New(errs.Invalid, "seal_size",
		"Chưa biết đường kính con dấu, hoặc con dấu không vừa vị trí.", "The seal's diameter is unknown, or it does not fit its place.").On("steps")
	ErrSealOverlap = errs.New(errs.Conflict, "seal_overlap",
		"Con dấu phải trùm khoảng một phần ba chữ ký về bên trái; mẫu chữ ký hiện tại không khớp vị trí đã đặt. Vui lòng trình lại.",
		"The seal must cover about the left third of the signature; the present picture does not fit. Submit the document again.")

	ErrState = errs.New(errs.Conflict, "document_state",
		"Văn bản đang ở trạng thái “%s”; không thực hiện được thao tác này.", "The document is in another state (%s).")
	ErrNotYourTurn = errs.New(errs.Conflict, "not_your_turn",
		"Chưa đến lượt ký bước này.", "It is not this step's turn.")
	ErrSealBeforeLeader = errs.New(errs.Conflict, "seal_before_leader",
		"Văn bản chưa có chữ ký của người có thẩm quyền; chưa thể ký số cơ quan.", "The competent person has not signed; the document can't be sealed yet.")
	ErrFileChanged = errs.New(errs.Conflict, "file_changed",
		"Tệp đã bị thay đổi sau khi trình ký. Vui lòng trình lại.", "The file changed after it was submitted. Submit it again.")
	ErrPrepareAgain = errs.New(errs.Conflict, "prepare_again",
		"Văn bản vừa có phiên bản mới. Vui lòng xem lại và xác nhận lại.", "The document has a new revision. Look again and confirm again.")
	ErrNumber = errs.New(errs.Invalid, "number_invalid",
		"Số, ký hiệu phải có dạng số/ký hiệu, ví dụ 123/QĐ-UBND.", "Number and notation look like 123/QĐ-UBND.").On("number")
	ErrNumberTaken = errs.New(errs.Conflict, "number_taken",
		"Số, ký hiệu này đã được cấp cho văn bản khác của đơn vị trong năm.", "The unit has given this number and notation to another document this year.").On("number")
	ErrDate = errs.New(errs.Invalid, "date_invalid",
		"Ngày ban hành không được ở tương lai hoặc trước ngày ký.", "The date of issue is neither in the future nor before the signature.").On("date")
	ErrPicture = errs.New(errs.Conflict, "picture_missing",
		"Chưa có mẫu chữ ký hoặc con dấu; đề nghị quản trị đơn vị cập nhật.", "There is no picture of the signature or seal; the unit's administrator adds it.")
	ErrPictureInvalid = errs.New(errs.Invalid, "picture_invalid",
		"Mẫu phải là ảnh PNG; ảnh con dấu phải vuông.", "The picture is a PNG; that of a seal is square.").On("picture")
	ErrReason = errs.New(errs.Invalid, "reason_required",
		"Cần nêu lý do.", "A reason is required.").On("reason")
	ErrBatch = errs.New(errs.Invalid, "batch_invalid",
		"Danh sách văn bản trống, trùng lặp hoặc quá dài.", "The list of documents is empty, has duplicates or is too long.").On("documents")
	ErrBatchUnknown = errs.New(errs.Denied, "sad_invalid",
		"Phiên ủy quyền ký không có hiệu lực.", "The signature activation data is not valid.")
	ErrBatchMismatch = errs.New(errs.Denied, "sad_mismatch",
		"Nội dung cần ký khác với nội dung đã ủy quyền.", "What is to be signed is not what was authorised.")
	ErrBatchUsed = errs.New(errs.Denied, "sad_used",
		"Phiên ủy quyền ký đã được dùng.", "The signature activation data was used already.")
	ErrRevoked = errs.New(errs.Conflict, "certificate_revoked_meanwhile",
		"Chứng thư đã bị thu hồi hoặc tạm dừng trong khi ký; chữ ký không được phát hành.",
		"The certificate was revoked or suspended meanwhile; the signature is not released.")
	ErrFile = errs.New(errs.Invalid, "damaged",
		"Tệp không đọc được hoặc không được hỗ trợ (%s).", "The file can't be read or is not supported (%s).").On("file")
	ErrStorage = errs.New(errs.Unavailable, "storage_unavailable",
		"Kho tệp tạm thời không phản hồi. Thử lại sau.", "The file storage does not answer. Try again later.").After(5 * time.Second)
)

var fileVI = map[string]string{
	"not_pdf":             "Tệp không phải là PDF.",
	"damaged":             "Tệp PDF bị hỏng.",
	"truncated":           "Tệp PDF bị cắt cụt.",
	"xref_missing":        "Tệp PDF bị hỏng: thiếu bảng tham chiếu.",
	"too_large":           "Tệp PDF quá lớn.",
	"bomb":                "Tệp PDF giải nén quá lớn.",
	"encrypted_password":  "Tệp PDF có mật khẩu.",
	"public_key_security": "Tệp PDF được mã hóa cho chứng thư khác.",
	"xfa":                 "Tệp PDF dùng biểu mẫu XFA, không được hỗ trợ.",
	"docmdp_forbids":      "Chữ ký chứng nhận trong tệp không cho phép thay đổi.",
	"field_locked":        "Ô ký đã bị khóa bởi chữ ký trước.",
	"active_content":      "Tệp PDF có nội dung tự chạy (mã lệnh, liên kết thực thi).",
	"field_signed":        "Ô ký đã có chữ ký.",
	"field_not_sig":       "Ô được chỉ định không phải là ô ký số.",
}

// fileError turns an error of the engine about a file into a refusal with the engine's
// code; other errors stay as they are.
func fileError(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*errs.Error](err); ok {
		return err
	}
	if errors.Is(err, blob.ErrChanged) || errors.Is(err, blob.ErrNotFound) {
		return ErrFileChanged.Wrap(err)
	}
	code := signer.CodeOf(err)
	switch code {
	case "":
		return err
	case signer.CodeInputChanged:
		return ErrFileChanged.Wrap(err)
	case "read_failed":
		return ErrFileChanged.Wrap(err)
	}
	e := ErrFile.Format(code).Wrap(err)
	e.Code = code
	if vi := fileVI[code]; vi != "" {
		e.VI = vi
	}
	return e
}
