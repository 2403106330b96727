package dynamodb

import (
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// fuzzSeeds are requests that succeed. The fuzzer starts with them.
var fuzzSeeds = map[string]string{
	"BatchGetItem":          `{"RequestItems":{"things":{"Keys":[{"pk":{"S":"a"},"sk":{"N":"1"}}],"ProjectionExpression":"#n","ExpressionAttributeNames":{"#n":"n"},"ConsistentRead":true}},"ReturnConsumedCapacity":"INDEXES"}`,
	"BatchWriteItem":        `{"RequestItems":{"things":[{"PutRequest":{"Item":{"pk":{"S":"b"},"sk":{"N":"2"}}}},{"DeleteRequest":{"Key":{"pk":{"S":"c"},"sk":{"N":"3"}}}}]}}`,
	"CreateTable":           `{"TableName":"more","KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"BillingMode":"PAY_PER_REQUEST","Tags":[{"Key":"k","Value":"v"}]}`,
	"DeleteItem":            `{"TableName":"things","Key":{"pk":{"S":"d"},"sk":{"N":"4"}},"ConditionExpression":"attribute_not_exists(n) OR n = :v","ExpressionAttributeValues":{":v":{"N":"1"}},"ReturnValues":"ALL_OLD"}`,
	"DescribeTable":         `{"TableName":"things"}`,
	"BatchExecuteStatement": `{"Statements":[{"Statement":"SELECT * FROM things WHERE pk = ? AND sk = 1","Parameters":[{"S":"a"}]}]}`,
	"ExecuteStatement":      `{"Statement":"UPDATE things SET n = n + ? SET m.x = 'y' REMOVE l[0] WHERE pk = 'a' AND sk = 1 RETURNING ALL NEW *","Parameters":[{"N":"1"}]}`,
	"ExecuteTransaction":    `{"TransactStatements":[{"Statement":"INSERT INTO things VALUE {'pk':'p','sk':9,'l':[1,{'x':null}],'s':<<'a'>>}"},{"Statement":"DELETE FROM things WHERE pk = 'q' AND sk = 1"}]}`,
	"GetItem":               `{"TableName":"things","Key":{"pk":{"S":"a"},"sk":{"N":"1"}},"ProjectionExpression":"m.x, l[0]","ConsistentRead":true}`,
	"ListTables":            `{"Limit":5,"ExclusiveStartTableName":"abc"}`,
	"PutItem":               `{"TableName":"things","Item":{"pk":{"S":"a"},"sk":{"N":"1"},"n":{"N":"5"},"b":{"B":"AQI="},"ss":{"SS":["x"]},"ns":{"NS":["1"]},"l":{"L":[{"BOOL":true},{"NULL":true}]},"m":{"M":{"x":{"S":""}}}},"ReturnItemCollectionMetrics":"SIZE"}`,
	"Query":                 `{"TableName":"things","IndexName":"by-n","KeyConditionExpression":"n = :v AND pk > :s","FilterExpression":"size(ss) < :v","ExpressionAttributeValues":{":v":{"N":"5"},":s":{"S":""}},"Limit":3,"ScanIndexForward":false,"Select":"COUNT"}`,
	"Scan":                  `{"TableName":"things","Segment":0,"TotalSegments":2,"ExclusiveStartKey":{"pk":{"S":"a"},"sk":{"N":"1"}},"FilterExpression":"contains(ss, :s)","ExpressionAttributeValues":{":s":{"S":"x"}}}`,
	"TransactGetItems":      `{"TransactItems":[{"Get":{"TableName":"things","Key":{"pk":{"S":"a"},"sk":{"N":"1"}},"ProjectionExpression":"n"}}]}`,
	"TransactWriteItems":    `{"ClientRequestToken":"t","TransactItems":[{"Put":{"TableName":"things","Item":{"pk":{"S":"e"},"sk":{"N":"5"}}}},{"Update":{"TableName":"things","Key":{"pk":{"S":"f"},"sk":{"N":"6"}},"UpdateExpression":"ADD n :v","ExpressionAttributeValues":{":v":{"N":"1"}}}},{"ConditionCheck":{"TableName":"things","Key":{"pk":{"S":"g"},"sk":{"N":"7"}},"ConditionExpression":"attribute_not_exists(pk)"}}]}`,
	"UpdateItem":            `{"TableName":"things","Key":{"pk":{"S":"h"},"sk":{"N":"8"}},"UpdateExpression":"SET l = list_append(if_not_exists(l, :l), :l), n = if_not_exists(n, :v) + :v REMOVE m.x ADD ns :ns DELETE ss :ss","ExpressionAttributeValues":{":l":{"L":[]},":v":{"N":"1"},":ns":{"NS":["1"]},":ss":{"SS":["x"]}},"ReturnValues":"UPDATED_NEW"}`,
	"UpdateTable":           `{"TableName":"things","DeletionProtectionEnabled":false}`,
	"UpdateTimeToLive":      `{"TableName":"things","TimeToLiveSpecification":{"AttributeName":"n","Enabled":true}}`,
	"TagResource":           `{"ResourceArn":"arn:aws:dynamodb:us-east-1:000000000000:table/things","Tags":[{"Key":"k","Value":"v"}]}`,
}

// FuzzRequests sends any body to any operation. The response is a JSON object
// with status 200 or 400, never an internal error.
func FuzzRequests(f *testing.F) {
	names := slices.Sorted(maps.Keys(operations))
	for i, name := range names {
		f.Add(uint8(i), fuzzSeeds[name])
		f.Add(uint8(i), `{"TableName":"things"}`)
	}
	e, err := Open(Options{Dir: f.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { e.Close() })
	send := func(operation, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("X-Amz-Target", targetPrefix+operation)
		r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=x")
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		return w
	}
	things := mustJSON(f, tableInput("things", "pk S, sk N",
		[]index{{"by-n", "n N, pk S", "ALL"}}, []index{{"by-b", "pk S, b B", "KEYS_ONLY"}}))
	f.Fuzz(func(t *testing.T, operation uint8, body string) {
		send("CreateTable", things) // an earlier request may have deleted it
		name := names[int(operation)%len(names)]
		w := send(name, body)
		var answer map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Fatalf("%s: got the response %q, want a JSON object", name, w.Body)
		}
		kind, _ := answer["__type"].(string)
		switch {
		case w.Code == 200 && kind == "":
		case w.Code == 400 && kind != "":
		default:
			t.Fatalf("%s: got %d %s, want 200 without or 400 with an error type", name, w.Code, w.Body)
		}
		if name != "CreateTable" {
			return
		}
		for _, table := range e.store.Names() { // keep the number of tables small
			if table != "things" {
				send("UpdateTable", `{"TableName":"`+table+`","DeletionProtectionEnabled":false}`)
				send("DeleteTable", `{"TableName":"`+table+`"}`)
			}
		}
	})
}

func mustJSON(t testing.TB, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
