using Google.Protobuf;
using Microsoft.ML.Tokenizers;

namespace LeapAlign.Networks.Tokenizers;

/// <summary>Cuts a word into the pieces of a unigram model whose scores sum to the most.</summary>
internal sealed class UnigramPieces
{
    private const uint PiecesTag = (1 << 3) | 2;
    private const uint TrainerTag = (2 << 3) | 2;
    private const uint NormalizerTag = (3 << 3) | 2;
    private const uint TextTag = (1 << 3) | 2;
    private const uint ScoreTag = (2 << 3) | 5;
    private const uint TypeTag = 3 << 3;
    private const uint ModelTypeTag = 3 << 3;
    private const uint UnknownIdTag = 40 << 3;
    private const uint BeginIdTag = 41 << 3;
    private const uint EndIdTag = 42 << 3;
    private const uint PadIdTag = 43 << 3;
    private const int Unigram = 1;
    private const int Normal = 1;
    private const int UnknownType = 2;

    private readonly SentencePieceTokenizer _pieces;
    private readonly int _spelledUnknown;

    /// <summary>Hands the pieces to the tokenizer library, which reads them as a model file.</summary>
    /// <exception cref="Exception">The library stumbles over damaged pieces in many ways.</exception>
    public UnigramPieces(IReadOnlyList<(string Text, float Score)> pieces)
    {
        _spelledUnknown = pieces.Count;
        using var stream = new MemoryStream(Write(pieces));
        _pieces = SentencePieceTokenizer.Create(stream, addBeginningOfSentence: false, addEndOfSentence: false);
    }

    /// <summary>The pieces of a word. Characters that no piece has become one unknown piece for each run of them.</summary>
    public IEnumerable<int> Of(string word)
    {
        var before = -1;
        foreach (var found in _pieces.EncodeToIds(word, addBeginningOfSentence: false, addEndOfSentence: false, considerPreTokenization: false, considerNormalization: false))
        {
            var id = found == _spelledUnknown ? SentencePieceModel.Unknown : found;
            if (id != SentencePieceModel.Unknown || before != id) yield return id;
            before = id;
        }
    }

    private static byte[] Write(IReadOnlyList<(string Text, float Score)> pieces)
    {
        using var output = new MemoryStream();
        var unknown = pieces[SentencePieceModel.Unknown];
        for (var id = 0; id < pieces.Count; id++)
        {
            if (id == SentencePieceModel.Unknown) output.Write(Piece($"\0{unknown.Text}", unknown.Score, UnknownType));
            else output.Write(Piece(pieces[id].Text, pieces[id].Score, Normal));
        }
        // The unknown piece is found where it is spelled out, too, which this library knows of no unknown piece: it gets a twin at the end.
        output.Write(Piece(unknown.Text, unknown.Score, Normal));
        output.Write(Message(TrainerTag, static trainer =>
        {
            Number(trainer, ModelTypeTag, Unigram);
            Number(trainer, UnknownIdTag, SentencePieceModel.Unknown);
            // The library looks these up, but texts are framed elsewhere.
            foreach (var tag in (uint[])[BeginIdTag, EndIdTag, PadIdTag]) Number(trainer, tag, 0);
        }));
        // The library wants to see one, though its normalisation is not used.
        output.Write(Message(NormalizerTag, static _ => { }));
        return output.ToArray();
    }

    private static byte[] Piece(string text, float score, int type) => Message(PiecesTag, piece =>
    {
        piece.WriteTag(TextTag);
        piece.WriteString(text);
        piece.WriteTag(ScoreTag);
        piece.WriteFloat(score);
        Number(piece, TypeTag, type);
    });

    private static byte[] Message(uint tag, Action<CodedOutputStream> write)
    {
        using var inner = new MemoryStream();
        using (var output = new CodedOutputStream(inner, leaveOpen: true)) write(output);
        using var outer = new MemoryStream();
        using (var output = new CodedOutputStream(outer, leaveOpen: true))
        {
            output.WriteTag(tag);
            output.WriteBytes(ByteString.CopyFrom(inner.ToArray()));
        }
        return outer.ToArray();
    }

    private static void Number(CodedOutputStream output, uint tag, int value)
    {
        output.WriteTag(tag);
        output.WriteInt32(value);
    }
}
