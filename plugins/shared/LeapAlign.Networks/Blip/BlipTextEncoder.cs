using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Blip;

/// <summary>BLIP's text tower: BERT with norms after each part, whose every layer also looks at the tokens of a picture.</summary>
public sealed class BlipTextEncoder
{
    // As the reference masks: large enough that nothing of padding is left.
    private static readonly Scalar Masked = -10000.0;
    private readonly Embedding _words;
    private readonly Embedding _positions;
    private readonly LayerNorm _norm;
    private readonly Layer[] _layers;

    /// <summary>Declares the weights under the names of published checkpoints.</summary>
    /// <param name="config">The sizes.</param>
    /// <param name="scope">The tower's scope.</param>
    public BlipTextEncoder(BlipConfig config, WeightScope scope)
    {
        ArgumentNullException.ThrowIfNull(config);
        var embeddings = scope / "embeddings";
        _words = new Embedding(embeddings / "word_embeddings", config.Vocabulary, config.Text.Width);
        _positions = new Embedding(embeddings / "position_embeddings", config.Positions, config.Text.Width);
        _norm = new LayerNorm(embeddings / "LayerNorm", config.Text.Width, config.Epsilon);
        _layers = [.. Enumerable.Range(0, config.Text.Layers).Select(index => new Layer(config, scope / "encoder" / "layer" / index))];
    }

    /// <summary>Reads texts beside pictures.</summary>
    /// <param name="ids">[B, T] int64, padding included.</param>
    /// <param name="mask">[B, T], 1 for a token and 0 for padding, any type.</param>
    /// <param name="picture">[B, tokens, image width]: all tokens of each text's picture.</param>
    /// <returns>[B, width]: the last state at the first token.</returns>
    public Tensor Forward(Tensor ids, Tensor mask, Tensor picture)
    {
        ArgumentNullException.ThrowIfNull(ids);
        ArgumentNullException.ThrowIfNull(mask);
        ArgumentNullException.ThrowIfNull(picture);
        using var scope = NewDisposeScope();
        var hidden = _norm.Forward(_words.Forward(ids) + _positions.First(ids.shape[1]));
        var padding = (1 - mask.to(hidden.dtype)).mul(Masked).view(mask.shape[0], 1, 1, mask.shape[1]);
        foreach (var layer in _layers) hidden = layer.Forward(hidden, padding, picture);
        return hidden.select(1, 0).MoveToOuterDisposeScope();
    }

    private sealed class Layer
    {
        private readonly Looking _itself;
        private readonly Looking _picture;
        private readonly Linear _expand;
        private readonly Linear _contract;
        private readonly LayerNorm _norm;
        private readonly Func<Tensor, Tensor> _activation;

        public Layer(BlipConfig config, WeightScope scope)
        {
            _itself = new Looking(config, scope / "attention", config.Text.Width);
            _picture = new Looking(config, scope / "crossattention", config.Vision.Width);
            _expand = new Linear(scope / "intermediate" / "dense", config.Text.Width, config.Intermediate);
            _contract = new Linear(scope / "output" / "dense", config.Intermediate, config.Text.Width);
            _norm = new LayerNorm(scope / "output" / "LayerNorm", config.Text.Width, config.Epsilon);
            _activation = config.Activation;
        }

        public Tensor Forward(Tensor hidden, Tensor padding, Tensor picture)
        {
            using var scope = NewDisposeScope();
            hidden = _itself.Forward(hidden, hidden, padding);
            hidden = _picture.Forward(hidden, picture, null);
            return _norm.Forward(_contract.Forward(_activation(_expand.Forward(hidden))) + hidden).MoveToOuterDisposeScope();
        }
    }

    /// <summary><c>LN(W · attention(h, seen) + h)</c>.</summary>
    private sealed class Looking
    {
        private readonly Linear _query;
        private readonly Linear _key;
        private readonly Linear _value;
        private readonly Linear _output;
        private readonly LayerNorm _norm;
        private readonly long _heads;

        public Looking(BlipConfig config, WeightScope scope, long seen)
        {
            var (width, own, output) = (config.Text.Width, scope / "self", scope / "output");
            _heads = config.Text.Heads;
            _query = new Linear(own / "query", width, width);
            _key = new Linear(own / "key", seen, width);
            _value = new Linear(own / "value", seen, width);
            _output = new Linear(output / "dense", width, width);
            _norm = new LayerNorm(output / "LayerNorm", width, config.Epsilon);
        }

        public Tensor Forward(Tensor hidden, Tensor seen, Tensor? mask)
        {
            var attended = Attention.Attend(
                Attention.SplitHeads(_query.Forward(hidden), _heads), Attention.SplitHeads(_key.Forward(seen), _heads), Attention.SplitHeads(_value.Forward(seen), _heads), mask);
            return _norm.Forward(_output.Forward(Attention.JoinHeads(attended)) + hidden);
        }
    }
}
