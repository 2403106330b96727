// Command mark is the Lambda function of the route mark.
package main

import "github.com/sotto-chat/sotto/shared/app"

func main() { app.Start(app.Mark.Handler) }
