// Whatever is printed becomes a line in Loki; with JSON as the log format of the function, an object.
export async function handler(event, context) {
  console.log('hello from', context.functionName);
  console.warn(JSON.stringify({ level: 'warn', msg: 'stock is low', orderId: event?.orderId }));
  return { ok: true };
}
