package edge_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/sotto-chat/sotto/localstack/edge"
)

// The edge hands a request to the service that AWS's host name belongs to.
func ExampleEdge_Serve() {
	e, err := edge.New("127.0.0.1:4566")
	if err != nil {
		log.Fatal(err)
	}
	e.Serve(edge.Services{
		DynamoDB: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "served by DynamoDB")
		}),
	})

	r := httptest.NewRequest(http.MethodPost, "http://dynamodb.us-east-1.amazonaws.com/", nil)
	r.URL.Host = "" // a request to a server, not to a proxy
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=ID/20261122/us-east-1/dynamodb/aws4_request, "+
		"SignedHeaders=host, Signature=0")
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	fmt.Println(w.Body)
	// Output: served by DynamoDB
}
