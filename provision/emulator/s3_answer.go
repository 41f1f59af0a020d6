package emulator

import (
	"encoding/xml"
	"net/http"
)

// s3Codes are the names that S3 clients know R2's errors by.
var s3Codes = map[int]string{
	10001: "InternalError", 10002: "Unauthorized", 10003: "AccessDenied", 10004: "BucketAlreadyOwnedByYou", 10005: "InvalidBucketName",
	10006: "NoSuchBucket", 10007: "NoSuchKey", 10008: "BucketNotEmpty", 10009: "TooManyBuckets", 10011: "EntityTooSmall",
	10012: "MetadataTooLarge", 10013: "IncompleteBody", 10014: "InvalidDigest", 10018: "ExpiredRequest", 10020: "InvalidObjectName",
	10024: "NoSuchUpload", 10025: "InvalidPart", 10031: "PreconditionFailed", 10033: "MissingContentLength", 10035: "SignatureDoesNotMatch",
	10037: "BadDigest", 10039: "InvalidRange", 10042: "NotEntitled", 10043: "ServiceUnavailable", 10048: "InvalidPart",
	// It was seen to come by this name, with the status 429.
	10058: "ServiceUnavailable",
	10069: "ObjectLockedByBucketPolicy", 100100: "EntityTooLarge",
	s3InvalidArgument: "InvalidArgument", s3InvalidRegion: "InvalidRegionName", s3InvalidRequest: "InvalidRequest", s3MalformedXML: "MalformedXML",
	s3NotImplemented: "NotImplemented", s3Skewed: "RequestTimeTooSkewed", s3NotAllowed: "MethodNotAllowed",
	s3InvalidPartOrder: "InvalidPartOrder",
}

// Errors that R2's table of codes does not have: S3's answers carry names, so that
// only the emulator's log shows these numbers, which are its own.
const (
	s3InvalidArgument = 1_000_000 + iota
	s3InvalidRegion
	s3InvalidRequest
	s3MalformedXML
	s3NotImplemented
	s3Skewed
	s3NotAllowed
	s3InvalidPartOrder
)

var (
	errAccessDenied = refuse(http.StatusForbidden, 10003, "Access Denied")
	errSignature    = refuse(http.StatusForbidden, 10035, "The request signature we calculated does not match the signature you provided. Check your secret access key and signing method.")
	errNoUpload     = refuse(http.StatusNotFound, 10024, "The specified multipart upload does not exist.")
	errNoPart       = refuse(http.StatusBadRequest, 10025, "One or more of the specified parts could not be found.")
	errXML          = refuse(http.StatusBadRequest, s3MalformedXML, "The XML you provided was not well formed or did not validate against our published schema.")
	errNotAllowed   = refuse(http.StatusMethodNotAllowed, s3NotAllowed, "The specified method is not allowed against this resource.")
)

func invalidArgument(format string, args ...any) error {
	return refuse(http.StatusBadRequest, s3InvalidArgument, format, args...)
}

type s3ErrorBody struct {
	XMLName xml.Name `xml:"Error"`
	Code    string
	Message string
}

// s3Error writes an error as S3 does. A status that no table knows is told by its
// own name.
func s3Error(err error) answer {
	ref, is := err.(*refusal)
	if !is {
		ref = refuse(http.StatusInternalServerError, 10001, "emulator: %v", err)
	}
	name := s3Codes[ref.errors[0].Code]
	switch {
	case name != "":
	case ref.status == http.StatusServiceUnavailable, ref.status == http.StatusTooManyRequests:
		name = "ServiceUnavailable"
	case ref.status == http.StatusPreconditionFailed:
		name = "PreconditionFailed"
	case ref.status < 500:
		name = "AccessDenied"
	default:
		name = "InternalError"
	}
	a := s3XML(s3ErrorBody{Code: name, Message: ref.errors[0].Message})
	a.status, a.code = ref.status, ref.errors[0].Code
	return a
}

// s3XML answers 200 with a document.
func s3XML(v any) answer {
	body, err := xml.Marshal(v)
	if err != nil {
		return answer{status: http.StatusInternalServerError, code: 10001, kind: "text/plain", body: []byte("encoding the answer\n")}
	}
	return answer{status: http.StatusOK, kind: "application/xml", header: http.Header{}, body: append([]byte(xml.Header), body...)}
}

// s3Empty answers without a body.
func s3Empty(status int) answer { return answer{status: status, header: http.Header{}} }
