// Variables that were meant for us by another name: each is told with the setting that is probably meant, and nobody else's is.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findNearMisses, unknownSettings } from '../../../src/diagnosis/near-misses.ts';

const meantBy = (...names: readonly string[]) =>
  findNearMisses(Object.fromEntries(names.map((name) => [name, 'canary']))).map(({ variable, meant }) => [
    variable,
    meant,
  ]);

for (const [variable, meant] of [
  ['LOKI_URL', 'LOKI_PUSH_ENDPOINT'],
  ['LOKI_LABELS', 'LOKI_LOG_LABELS'],
  ['LOKI_TENANT', 'LOKI_TENANT_ID'],
  ['LOKI_BATCH_SIZE', 'LOKI_BATCH_MAX_BYTES'],
  ['LOKI_API_KEY', 'LOKI_BEARER_TOKEN'],
  ['GRAFANA_LOKI_URL', 'LOKI_PUSH_ENDPOINT'],
  ['LOKI_PASWORD', 'LOKI_PASSWORD'],
  ['LOKI_USER_NAME', 'LOKI_USERNAME'],
  ['LOKI_PUSH_ENDPONIT', 'LOKI_PUSH_ENDPOINT'],
  ['LOKI_PUSHENDPOINT', 'LOKI_PUSH_ENDPOINT'],
  ['LKOI_PUSH_ENDPOINT', 'LOKI_PUSH_ENDPOINT'],
  ['LOCKI_PASSWORD', 'LOKI_PASSWORD'],
  ['loki_push_endpoint', 'LOKI_PUSH_ENDPOINT'],
  ['Loki_Url', 'LOKI_PUSH_ENDPOINT'],
  ['LOKI_FLUSH_TIMEOUT', 'LOKI_FLUSH_TIMEOUT_MS'],
  ['WRITE_ADDRESS', 'LOKI_PUSH_ENDPOINT'],
  ['EXTRA_LABELS', 'LOKI_LOG_LABELS'],
  ['LOKI_PROXY', 'LOKI_PROXY_URL'],
  ['LOKI_TLS_CA_CERT', 'LOKI_TLS_CA'],
  ['LOKI_CLIENT_KEY', 'LOKI_TLS_KEY'],
  ['LOKI_INSECURE_SKIP_VERIFY', 'LOKI_TLS_INSECURE_SKIP_VERIFY'],
  ['LOKI_EXCLUDE', 'LOKI_EXCLUDE_REGEX'],
  ['LOKI_PASSWORD_SECRET_ARN', 'LOKI_PASSWORD'],
  ['LOKI_TOKEN_ARN', 'LOKI_BEARER_TOKEN'],
  ['LOKI_EXCLUD_REGEX', 'LOKI_EXCLUDE_REGEX'],
  ['LOKI_SOMETHING_ELSE', undefined],
] as const) {
  test(`${variable} stands for ${meant ?? 'nothing that is known'}`, () => {
    assert.deepEqual(meantBy(variable), [[variable, meant]]);
  });
}

test('variables of the function, of Lambda, and our own are none of these', () => {
  assert.deepEqual(
    meantBy('LOKI_PUSH_ENDPOINT', 'LOG_LEVEL', 'AWS_REGION', 'USERNAME', 'PASSWORD', 'SERVICE_NAME', 'LANG', 'LC_ALL'),
    [],
  );
});

test('with two wrong letters before the first underscore a name may be ours, with three it is another', () => {
  assert.deepEqual(meantBy('LXYI_PASSWORD'), [['LXYI_PASSWORD', 'LOKI_PASSWORD']]);
  assert.deepEqual(meantBy('LXYZ_PASSWORD'), []);
});

test('plain names count where another variable says whose they are', () => {
  assert.deepEqual(meantBy('WRITE_ADDRESS', 'USERNAME', 'TENANT_ID', 'SKIP_TLS_VERIFY'), [
    ['WRITE_ADDRESS', 'LOKI_PUSH_ENDPOINT'],
    ['USERNAME', 'LOKI_USERNAME'],
    ['TENANT_ID', 'LOKI_TENANT_ID'],
    ['SKIP_TLS_VERIFY', 'LOKI_TLS_INSECURE_SKIP_VERIFY'],
  ]);
});

test('the running extension is silent where the setting that is meant is set too, and about what is empty', () => {
  const env = { LOKI_URL: 'x', LOKI_PUSH_ENDPOINT: 'https://loki.example.com', LOKI_LABELS: ' ', LOKI_ODD: 'canary' };
  assert.deepEqual(unknownSettings(env), [{ kind: 'unknown_setting', variable: 'LOKI_ODD', meant: undefined }]);
});

for (const [what, variable, isMeant] of [
  ['three letters added at the end', 'LOKI_METADATA_FIELDSABC', true],
  ['four letters added at the end', 'LOKI_METADATA_FIELDSABCD', false],
  ['three letters added at the beginning', 'LOKI_ABCMETADATA_FIELDS', true],
  ['four letters added at the beginning', 'LOKI_ABCDMETADATA_FIELDS', false],
  ['three letters missing at the end', 'LOKI_METADATA_FIE', true],
  ['four letters missing at the end', 'LOKI_METADATA_FI', false],
  ['three letters missing in the middle', 'LOKI_METAA_FIELDS', true],
  ['four letters missing in the middle', 'LOKI_META_FIELDS', false],
  ['three other letters', 'LOKI_XYZADATA_FIELDS', true],
  ['four other letters', 'LOKI_XYZQDATA_FIELDS', false],
  ['one letter of each kind', 'LOKI_XETADATAFIELDSS', true],
  ['one letter of each kind, and one more', 'LOKI_XETADATFIELDSS', false],
] as const) {
  test(`${what}: ${isMeant ? 'a slip' : 'another name'}`, () => {
    assert.deepEqual(meantBy(variable), [[variable, isMeant ? 'LOKI_METADATA_FIELDS' : undefined]]);
  });
}

test('the running extension tells the setting that is meant where it is not set, or is empty', () => {
  const unknown = { kind: 'unknown_setting', variable: 'LOKI_URL', meant: 'LOKI_PUSH_ENDPOINT' };
  assert.deepEqual(unknownSettings({ LOKI_URL: 'x' }), [unknown]);
  assert.deepEqual(unknownSettings({ LOKI_URL: 'x', LOKI_PUSH_ENDPOINT: ' ' }), [unknown]);
});

test('ten of them are told, and no more', () => {
  const told = (count: number) =>
    unknownSettings(Object.fromEntries(Array.from({ length: count }, (_, index) => [`LOKI_QQQQQQQQ_${index}`, 'x'])));
  assert.equal(told(10).length, 10);
  assert.equal(told(11).length, 10);
});
