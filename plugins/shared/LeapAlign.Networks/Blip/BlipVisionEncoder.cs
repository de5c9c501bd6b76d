using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Blip;

/// <summary>BLIP's image tower: a vision transformer all of whose tokens are kept.</summary>
public sealed class BlipVisionEncoder
{
    private const double Epsilon = 1e-6;
    private readonly Weight _classToken;
    private readonly Weight _positions;
    private readonly PatchProjection _patches;
    private readonly Block[] _blocks;
    private readonly Recomputation[] _parts;
    private readonly LayerNorm _norm;

    /// <summary>Declares the weights under the names of published checkpoints.</summary>
    /// <param name="config">The sizes.</param>
    /// <param name="scope">The tower's scope.</param>
    /// <param name="layersPerCheckpoint">0 keeps the graph of all layers; n keeps what goes into every n-th, and computes n layers again in the backward.</param>
    public BlipVisionEncoder(BlipConfig config, WeightScope scope, int layersPerCheckpoint = 0)
    {
        ArgumentNullException.ThrowIfNull(config);
        var (width, layers, heads) = config.Vision;
        var side = config.ImageSize / config.PatchSize;
        _classToken = scope.Weight("cls_token", 1, 1, width);
        _positions = scope.Weight("pos_embed", 1, (side * side) + 1, width);
        _patches = new PatchProjection(scope / "patch_embed" / "proj", width, 3, config.ImageSize, config.PatchSize, bias: true);
        _blocks = [.. Enumerable.Range(0, layers).Select(index => new Block(scope / "blocks" / index, width, heads))];
        _parts = layersPerCheckpoint == 0 ? [] : [.. Enumerable.Range(0, layers).Chunk(layersPerCheckpoint).Select(chunk => new Recomputation(
            [.. chunk.SelectMany(index => (scope / "blocks" / index).Weights)], [], inputs => [Run(chunk, inputs[0])]))];
        _norm = new LayerNorm(scope / "norm", width, Epsilon);
    }

    /// <summary>Encodes normalised pictures.</summary>
    /// <param name="pixels">[B, 3, S, S] with S the configured image size, any floating-point type.</param>
    /// <returns>[B, tokens, width] after the last norm: the class token, then the patches row by row.</returns>
    public Tensor Forward(Tensor pixels)
    {
        ArgumentNullException.ThrowIfNull(pixels);
        using var scope = NewDisposeScope();
        var patches = _patches.Forward(pixels);
        var hidden = cat([_classToken.Value.expand(patches.shape[0], 1, patches.shape[2]), patches], 1) + _positions.Value;
        hidden = _parts.Length == 0 ? _blocks.Aggregate(hidden, static (hidden, block) => block.Forward(hidden)) : _parts.Aggregate(hidden, static (hidden, part) => part.Forward(hidden)[0]);
        return _norm.Forward(hidden).MoveToOuterDisposeScope();
    }

    private Tensor Run(int[] blocks, Tensor hidden)
    {
        using var scope = NewDisposeScope();
        foreach (var index in blocks) hidden = _blocks[index].Forward(hidden);
        return hidden.MoveToOuterDisposeScope();
    }

    /// <summary><c>x += attention(LN₁ x)</c>, then <c>x += MLP(LN₂ x)</c>; queries, keys and values come from one product.</summary>
    private sealed class Block
    {
        private readonly LayerNorm _norm1;
        private readonly LayerNorm _norm2;
        private readonly Linear _joint;
        private readonly Linear _output;
        private readonly Linear _expand;
        private readonly Linear _contract;
        private readonly long _heads;

        public Block(WeightScope scope, long width, long heads)
        {
            _heads = heads;
            _norm1 = new LayerNorm(scope / "norm1", width, Epsilon);
            _joint = new Linear(scope / "attn" / "qkv", width, 3 * width);
            _output = new Linear(scope / "attn" / "proj", width, width);
            _norm2 = new LayerNorm(scope / "norm2", width, Epsilon);
            _expand = new Linear(scope / "mlp" / "fc1", width, 4 * width);
            _contract = new Linear(scope / "mlp" / "fc2", 4 * width, width);
        }

        public Tensor Forward(Tensor hidden)
        {
            using var scope = NewDisposeScope();
            var parts = _joint.Forward(_norm1.Forward(hidden)).chunk(3, -1);
            Tensor[] heads = [.. parts.Select(part => Attention.SplitHeads(part.contiguous(), _heads))];
            hidden = hidden + _output.Forward(Attention.JoinHeads(Attention.Attend(heads[0], heads[1], heads[2])));
            return (hidden + _contract.Forward(Activation.GeluErf(_expand.Forward(_norm2.Forward(hidden))))).MoveToOuterDisposeScope();
        }
    }
}
