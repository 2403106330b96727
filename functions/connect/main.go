// Command connect is the Lambda function of the route $connect.
package main

import "github.com/sotto-chat/sotto/shared/app"

func main() { app.Start(app.Connect.Handler) }
