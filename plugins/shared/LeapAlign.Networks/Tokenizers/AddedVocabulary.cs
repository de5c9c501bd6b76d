using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace LeapAlign.Networks.Tokenizers;

/// <summary>
/// The tokens that are found in a text as they stand. Those that are not normalised are looked for in the text as written, the others in what lies between
/// them once it is normalised; of several that begin at one place the longest counts.
/// </summary>
internal sealed class AddedVocabulary
{
    private const int Joiner = 0x200d;
    private const int NonJoiner = 0x200c;
    private readonly Dictionary<string, int> _ids = [];
    private readonly Func<string, string> _normalize;
    private readonly Matcher _written;
    private readonly Matcher _normalized;

    /// <summary>Gives every token its id: that of the model's vocabulary, or else the next one after it.</summary>
    /// <param name="tokens">The tokens, in the order in which new ids are given; a second of the same spelling is dropped.</param>
    /// <param name="vocabulary">The model's own ids.</param>
    /// <param name="normalize">The tokenizer's normalisation.</param>
    /// <param name="splitSpecial">Whether special tokens are read as plain text.</param>
    public AddedVocabulary(IEnumerable<AddedToken> tokens, IReadOnlyDictionary<string, int> vocabulary, Func<string, string> normalize, bool splitSpecial)
    {
        _normalize = normalize;
        var next = vocabulary.Count;
        List<AddedToken> found = [];
        foreach (var token in tokens.DistinctBy(static token => token.Content))
        {
            _ids[token.Content] = vocabulary.TryGetValue(token.Content, out var known) ? known : next++;
            if (!(splitSpecial && token.Special)) found.Add(token);
        }
        _written = new Matcher(found.Where(static token => !token.Normalized), static content => content, _ids);
        _normalized = new Matcher(found.Where(static token => token.Normalized), normalize, _ids);
    }

    /// <summary>The id of every token.</summary>
    public IReadOnlyDictionary<string, int> Ids => _ids;

    /// <summary>Cuts a well-formed text into normalised plain parts and tokens.</summary>
    public IEnumerable<(string Plain, int? Token)> Split(string text)
    {
        foreach (var (plain, token) in _written.Split(text))
        {
            if (token is not null) yield return ("", token);
            else foreach (var part in _normalized.Split(_normalize(plain))) yield return part;
        }
    }

    private static bool IsWord(Rune rune) => Rune.IsLetterOrDigit(rune) || rune.Value is Joiner or NonJoiner || Rune.GetUnicodeCategory(rune) is
        UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark or UnicodeCategory.LetterNumber or UnicodeCategory.ConnectorPunctuation;

    private sealed class Matcher
    {
        private readonly Dictionary<string, (AddedToken Token, int Id)> _tokens = [];
        private readonly Regex? _pattern;

        public Matcher(IEnumerable<AddedToken> tokens, Func<string, string> spell, Dictionary<string, int> ids)
        {
            foreach (var token in tokens)
            {
                if (spell(token.Content) is { Length: > 0 } spelling) _tokens.TryAdd(spelling, (token, ids[token.Content]));
            }
            var longestFirst = _tokens.Keys.OrderByDescending(static spelling => spelling.Length).Select(Regex.Escape);
            _pattern = _tokens.Count == 0 ? null : new Regex(string.Join('|', longestFirst), RegexOptions.CultureInvariant);
        }

        public IEnumerable<(string Plain, int? Token)> Split(string text)
        {
            var done = 0;
            foreach (var match in _pattern?.Matches(text) ?? Enumerable.Empty<Match>())
            {
                var (start, end) = (match.Index, match.Index + match.Length);
                var (token, id) = _tokens[match.Value];
                if (token.SingleWord && (TouchesWordBefore(text, start) || TouchesWordAfter(text, end))) continue;
                if (token.Left) start = Math.Max(done, text.AsSpan(0, start).TrimEnd().Length);
                if (token.Right) end = text.Length - text.AsSpan(end).TrimStart().Length;
                if (done < start) yield return (text[done..start], null);
                yield return ("", id);
                done = end;
            }
            if (done < text.Length) yield return (text[done..], null);
        }

        private static bool TouchesWordBefore(string text, int index) =>
            index > 0 && Rune.DecodeLastFromUtf16(text.AsSpan(0, index), out var rune, out _) == System.Buffers.OperationStatus.Done && IsWord(rune);

        private static bool TouchesWordAfter(string text, int index) => index < text.Length && Rune.TryGetRuneAt(text, index, out var rune) && IsWord(rune);
    }
}
