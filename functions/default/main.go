// Command default is the Lambda function of the route $default.
package main

import "github.com/sotto-chat/sotto/shared/app"

func main() { app.Start(app.Default.Handler) }
