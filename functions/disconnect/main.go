// Command disconnect is the Lambda function of the route $disconnect.
package main

import "github.com/sotto-chat/sotto/shared/app"

func main() { app.Start(app.Disconnect.Handler) }
