package lambda_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/sotto-chat/sotto/localstack/lambda"
)

const (
	sinkARN  = "arn:aws:lambda:us-east-1:000000000000:function:sink"
	queueARN = "arn:aws:sqs:us-east-1:000000000000:failures"
)

// destinations sets the destinations of a function.
func destinations(success, failure string) func(*lambda.Function) {
	return func(fn *lambda.Function) { fn.Async.OnSuccess, fn.Async.OnFailure = success, failure }
}

// delivered returns the event that the function sink gets. The timestamp is
// replaced by NOW and id by ID.
func delivered(t *testing.T, st *stack, id string) string {
	t.Helper()
	var sink lambda.Instance
	eventually(t, "the destination is invoked and its process runs", func() bool {
		for _, in := range st.Instances() {
			if in.Function == "sink" && in.PID != 0 {
				sink = in
			}
		}
		return sink.ID != ""
	})
	rt := &runtimeClient{t, st, st.url + runtimePath + "/" + sink.ID}
	res, body := rt.do("GET", apiPath+"/invocation/next", nil)
	rt.want(202, ok, "POST", apiPath+"/invocation/"+res.Header.Get("Lambda-Runtime-Aws-Request-Id")+"/response", "null")
	body = regexp.MustCompile(`"timestamp":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"`).ReplaceAllString(body, `"timestamp":"NOW"`)
	return strings.ReplaceAll(body, id, "ID")
}

func TestD5_1_DestinationGetsARecord(t *testing.T) {
	const head = `{"version":"1.0","timestamp":"NOW","requestContext":{"requestId":"ID","functionArn":"arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST",`
	for _, test := range []struct {
		name   string
		change []func(*lambda.Function)
		event  event
		want   string
	}{
		{"success", []func(*lambda.Function){destinations(sinkARN, queueARN)}, event{Text: "hello"},
			head + `"condition":"Success","approximateInvokeCount":1},"requestPayload":{"Text":"hello"},` +
				`"responseContext":{"statusCode":200,"executedVersion":"$LATEST"},"responsePayload":"hello"}`},
		{"retries", []func(*lambda.Function){destinations(queueARN, sinkARN)}, event{Do: "fail", Text: "no"},
			head + `"condition":"RetriesExhausted","approximateInvokeCount":3},"requestPayload":{"Do":"fail","Text":"no"},` +
				`"responseContext":{"statusCode":200,"executedVersion":"$LATEST","functionError":"Unhandled"},` +
				`"responsePayload":{"errorMessage":"no","errorType":"errorString"}}`},
		{"reserved", []func(*lambda.Function){destinations("", sinkARN), reserved(0)}, event{Text: "hello"},
			head + `"condition":"ZeroReservedConcurrency","approximateInvokeCount":0},"requestPayload":{"Text":"hello"}}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			st := serve(t, hasty, function("f", test.change...), function("sink", env("INIT", "hang")))
			id, err := st.InvokeAsync(t.Context(), "f", marshal(t, test.event))
			if err != nil {
				t.Fatal(err)
			}
			if got := delivered(t, st, id); got != test.want {
				t.Errorf("got the record\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

// Queues, topics and event buses are not implemented locally. The log has the
// sizes of what they would get, but not the contents.
func TestD5_2_DeadLetterIsNamedInTheLog(t *testing.T) {
	st := serve(t, hasty,
		function("f",
			destinations("arn:aws:events:us-east-1:000000000000:event-bus/default",
				"arn:aws:sns:us-east-1:000000000000:alarms"),
			func(fn *lambda.Function) { fn.DeadLetter = queueARN }),
		function("off", reserved(0), func(fn *lambda.Function) { fn.DeadLetter = queueARN }))
	failed, err := st.InvokeAsync(t.Context(), "f", marshal(t, event{Do: "fail", Text: strings.Repeat("secret", 500)}))
	if err != nil {
		t.Fatal(err)
	}
	never, err := st.InvokeAsync(t.Context(), "off", nil)
	if err != nil {
		t.Fatal(err)
	}
	done, err := st.InvokeAsync(t.Context(), "f", []byte(`{"Text":"secret"}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`msg="failed to send a dead letter" function=f invocation=` + failed + ` destination=` + queueARN +
			` bytes=3023 code=200 messageBytes=1024`,
		`msg="failed to send a dead letter" function=off invocation=` + never + ` destination=` + queueARN +
			` bytes=2 code=429 messageBytes=0`,
		`msg="failed to send a record to the destination" function=f invocation=` + failed +
			` condition=RetriesExhausted destination=arn:aws:sns:us-east-1:000000000000:alarms bytes=`,
		`msg="failed to send a record to the destination" function=f invocation=` + done +
			` condition=Success destination=arn:aws:events:us-east-1:000000000000:event-bus/default bytes=`,
	} {
		eventually(t, want, func() bool { return strings.Contains(st.log.String(), want) })
	}
	if strings.Contains(st.log.String(), "secret") {
		t.Errorf("got the log\n%s\nwant no payload in it", st.log)
	}
}

func TestD5_2_ZeroConcurrencyIsNotRetried(t *testing.T) {
	st := serve(t, nil, function("off", reserved(0))) // with AWS's delays
	id, err := st.InvokeAsync(t.Context(), "off", nil)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the event is discarded", func() bool {
		return strings.Contains(st.log.String(), "invocation="+id+" condition=ZeroReservedConcurrency attempts=0")
	})
}
