// The OP iframe of OpenID Connect Session Management 1.0 section 3.3. A relying party's frame posts
// "client_id session_state"; the answer says whether the browser's login is still the one that
// session_state was made for. It runs in frames on others' pages, plain http on a developer's
// machine included, where crypto.subtle may be missing: hence SHA-256 (FIPS 180-4) and old syntax.
(function () {
  "use strict";

  function fractions(power, count) {
    var found = [], candidate = 2, divisor, root;
    while (found.length < count) {
      for (divisor = 2; divisor * divisor <= candidate; divisor += 1) {
        if (candidate % divisor === 0) break;
      }
      if (divisor * divisor > candidate) {
        root = Math.pow(candidate, power);
        found.push(((root - Math.floor(root)) * 4294967296) | 0);
      }
      candidate += 1;
    }
    return found;
  }

  var START = fractions(1 / 2, 8);
  var ROUNDS = fractions(1 / 3, 64);

  function rotated(word, by) {
    return (word >>> by) | (word << (32 - by));
  }

  function compress(hash, block) {
    var w = block.slice(), v = hash.slice(), i, s0, s1, one, two;
    for (i = 16; i < 64; i += 1) {
      s0 = rotated(w[i - 15], 7) ^ rotated(w[i - 15], 18) ^ (w[i - 15] >>> 3);
      s1 = rotated(w[i - 2], 17) ^ rotated(w[i - 2], 19) ^ (w[i - 2] >>> 10);
      w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
    }
    for (i = 0; i < 64; i += 1) {
      s1 = rotated(v[4], 6) ^ rotated(v[4], 11) ^ rotated(v[4], 25);
      one = (v[7] + s1 + ((v[4] & v[5]) ^ (~v[4] & v[6])) + ROUNDS[i] + w[i]) | 0;
      s0 = rotated(v[0], 2) ^ rotated(v[0], 13) ^ rotated(v[0], 22);
      two = (s0 + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]))) | 0;
      v = [(one + two) | 0, v[0], v[1], v[2], (v[3] + one) | 0, v[4], v[5], v[6]];
    }
    for (i = 0; i < 8; i += 1) hash[i] = (hash[i] + v[i]) | 0;
  }

  function sha256(text) {
    var words = [], hash = START.slice(), size = text.length, last = ((size + 8) >> 6) * 16 + 15, i;
    for (i = 0; i <= last; i += 1) words.push(0);
    for (i = 0; i < size; i += 1) words[i >> 2] |= text.charCodeAt(i) << (24 - (i % 4) * 8);
    words[size >> 2] |= 128 << (24 - (size % 4) * 8);
    words[last] = size * 8;
    for (i = 0; i < last; i += 16) compress(hash, words.slice(i, i + 16));
    return hash.map(function (word) {
      return ("0000000" + (word >>> 0).toString(16)).slice(-8);
    }).join("");
  }

  function browserState() {
    var found = /(?:^|; )(?:__Host-)?eid_browser_state=([^;]*)/.exec(document.cookie);
    return found ? found[1] : "";
  }

  function judged(message, origin) {
    var parts = typeof message === "string" ? message.split(" ") : [], salted;
    if (parts.length !== 2 || !/^[\x21-\x7e]+$/.test(parts.join(""))) return "error";
    salted = parts[1].split(".");
    if (salted.length !== 2 || !/^[0-9a-f]{64}$/.test(salted[0]) || !salted[1]) return "error";
    var now = sha256([parts[0], origin, browserState(), salted[1]].join(" "));
    return now === salted[0] ? "unchanged" : "changed";
  }

  window.addEventListener("message", function (event) {
    if (event.source && event.source !== window && event.origin && event.origin !== "null") {
      event.source.postMessage(judged(event.data, event.origin), event.origin);
    }
  });
})();
