// Package fault injects faults into the local stack: functions die, the
// database refuses requests or loses its answers, posts to clients fail,
// sockets drop.
//
// Use it, over HTTP or by flags of the command, to test that an app keeps its
// promises when what AWS allows to happen does happen. A fault acts only while
// it is set. It never makes a service do what the real one could not do, and
// clearing it does not undo what it did.
//
// A fault stays on until it is cleared. Each time it acts on an event, request
// or post is called a strike:
//
//	lambda.kill-before    the process is killed when it is given an event,
//	                      before its handler runs
//	lambda.kill-during    the process is killed a delay after the event, if it
//	                      still works on it
//	lambda.kill-after     the process is killed just after its response has been
//	                      accepted
//	lambda.lose-response  the process is killed just after it responded; the
//	                      response is lost
//	lambda.twice          the event is also given to a second instance, under the
//	                      same request id; the result of that one is dropped
//	lambda.hold           the event waits for a delay before it is delivered
//	dynamodb.throughput   ProvisionedThroughputExceededException
//	dynamodb.throttling   ThrottlingException
//	dynamodb.conflict     TransactionConflictException; a transaction is cancelled,
//	                      with TransactionConflict for every action
//	dynamodb.error        InternalServerError (500); nothing has been done
//	dynamodb.lose-answer  done and committed, but the connection is dropped, after
//	                      the delay if there is one
//	dynamodb.late-error   done and committed, but answered InternalServerError
//	                      (500) after the delay
//	gateway.delay         a post to a connection is accepted a delay later
//	gateway.limit         a post is answered 429 (LimitExceededException)
//	gateway.gone          a post is answered 410 (GoneException)
//	gateway.drop          a post drops the client's socket, without a close frame,
//	                      and is answered 200
//
// An action happens once, immediately:
//
//	lambda.kill-now       kills all processes of a function
//	gateway.drop-now      drops a client's socket, without a close frame
//	stack.exit            kills the whole stack, as SIGKILL does; the request may
//	                      remain without an answer
//
// The target of a lambda fault is a function's name, of a dynamodb fault an
// operation, of a gateway fault a connection's id. "*" and an absent target
// mean all of them; "random" means one connection, for gateway.drop-now. A
// dynamodb fault may be limited to one table.
//
// As a flag a fault is one line, which [Parse] reads:
//
//	KIND[:TARGET][,table=NAME][,probability=0..1][,count=N][,delay=DURATION]
//
//	lambda.kill-during:sendMessage,probability=0.1,delay=20ms
//	dynamodb.lose-answer:TransactWriteItems,table=messages,count=1
package fault
