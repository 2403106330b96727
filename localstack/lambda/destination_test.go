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

func destinations(success, failure string) func(*lambda.Function) {
	return func(fn *lambda.Function) { fn.Async.OnSuccess, fn.Async.OnFailure = success, failure }
}

// delivered is the record that the function sink gets, with what differs from
// run to run replaced.
func delivered(t *testing.T, st *stack, id string) string {
	t.Helper()
	var sink lambda.Instance
	eventually(t, "the destination is invoked, and its process runs", func() bool {
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
				t.Errorf("record %s\nwant %s", got, test.want)
			}
		})
	}
}

// Queues, topics and buses are not here: the log says what is missing from
// them, and nothing of what it would hold.
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
		`msg="dead letter not sent" function=f target=` + queueARN + ` bytes=3023 RequestID=` + failed +
			` ErrorCode=200 ErrorMessage.bytes=1024`,
		`msg="dead letter not sent" function=off target=` + queueARN + ` bytes=2 RequestID=` + never +
			` ErrorCode=429 ErrorMessage.bytes=0`,
		`msg="destination not reached" function=f requestId=` + failed +
			` condition=RetriesExhausted destination=arn:aws:sns:us-east-1:000000000000:alarms bytes=`,
		`msg="destination not reached" function=f requestId=` + done +
			` condition=Success destination=arn:aws:events:us-east-1:000000000000:event-bus/default bytes=`,
	} {
		eventually(t, want, func() bool { return strings.Contains(st.log.String(), want) })
	}
	if strings.Contains(st.log.String(), "secret") {
		t.Error("the log holds a payload")
	}
}

func TestD5_2_ZeroConcurrencyIsNotRetried(t *testing.T) {
	st := serve(t, nil, function("off", reserved(0))) // with AWS's delays
	id, err := st.InvokeAsync(t.Context(), "off", nil)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the event is discarded", func() bool {
		return strings.Contains(st.log.String(), "requestId="+id+" condition=ZeroReservedConcurrency attempts=0")
	})
}
