package lambda

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"io"
	"net/http"
)

// serveInvokeAsync answers InvokeAsync, the deprecated form of an invocation of
// the type Event.
func (s *Service) serveInvokeAsync(w http.ResponseWriter, r *http.Request) {
	req, err := readInvoke(r)
	if err == nil {
		_, err = s.enqueue(req)
	}
	if err != nil {
		writeError(w, err)
		return
	}
	writeJSON(w, http.StatusAccepted, map[string]int{"Status": http.StatusAccepted})
}

// serveStream answers InvokeWithResponseStream. The response is one part of the
// stream, because it is sent when the function has ended.
func (s *Service) serveStream(w http.ResponseWriter, r *http.Request) {
	req, err := readInvoke(r)
	if err != nil {
		writeError(w, err)
		return
	}
	h := w.Header()
	if r.Header.Get("X-Amz-Invocation-Type") == "DryRun" {
		if _, err := s.find(req.Function, req.Qualifier); err != nil {
			writeError(w, err)
			return
		}
		w.WriteHeader(http.StatusNoContent)
		return
	}
	result, err := s.Do(r.Context(), req)
	if err != nil {
		writeError(w, err)
		return
	}
	complete := struct {
		ErrorCode    string `json:",omitempty"`
		ErrorDetails string `json:",omitempty"`
		LogResult    string `json:",omitempty"`
	}{ErrorCode: result.FunctionError}
	var body bytes.Buffer
	if result.FunctionError != "" {
		complete.ErrorDetails = string(result.Payload)
	} else {
		writeStreamEvent(&body, "PayloadChunk", "application/octet-stream", result.Payload)
	}
	if req.Tail {
		complete.LogResult = base64.StdEncoding.EncodeToString([]byte(result.LogTail))
	}
	text, _ := json.Marshal(complete) // cannot fail: strings
	writeStreamEvent(&body, "InvokeComplete", "application/json", text)
	h.Set("X-Amzn-RequestId", result.RequestID)
	h.Set("X-Amz-Executed-Version", result.Version)
	h.Set("Content-Type", "application/vnd.amazon.eventstream")
	_, _ = io.Copy(w, &body) // fails only if the client has gone
}

// writeStreamEvent writes one message in the encoding of event streams (Smithy
// 2.0, "Amazon Event Stream Specification").
func writeStreamEvent(to *bytes.Buffer, event, contentType string, payload []byte) {
	var headers []byte
	for _, h := range [][2]string{
		{":message-type", "event"},
		{":event-type", event},
		{":content-type", contentType},
	} {
		const textValue = 7
		headers = append(append(headers, byte(len(h[0]))), h[0]...)
		headers = binary.BigEndian.AppendUint16(append(headers, textValue), uint16(len(h[1])))
		headers = append(headers, h[1]...)
	}
	const overhead = 4 + 4 + 4 + 4 // two lengths and two checksums
	message := binary.BigEndian.AppendUint32(nil, uint32(overhead+len(headers)+len(payload)))
	message = binary.BigEndian.AppendUint32(message, uint32(len(headers)))
	message = binary.BigEndian.AppendUint32(message, crc32.ChecksumIEEE(message))
	message = append(append(message, headers...), payload...)
	message = binary.BigEndian.AppendUint32(message, crc32.ChecksumIEEE(message))
	to.Write(message)
}
