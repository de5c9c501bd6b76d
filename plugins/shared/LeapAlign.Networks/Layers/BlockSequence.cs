using LeapAlign.Contracts.Planning;
using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Layers;

/// <summary>
/// The blocks of a transformer, one after the other, all steered by the same conditioning. It is where blocks are computed again in the backward instead of keeping
/// their graphs.
/// </summary>
public sealed class BlockSequence
{
    // So many blocks of real size have more weights than caches hold.
    private const int MostVariants = 3;
    private readonly int _count;
    private readonly BlockForward _block;
    private readonly (int Blocks, Recomputation Part)[] _parts;
    private readonly int _streams;
    private readonly IReadOnlyList<WeightScope> _scopes;

    /// <summary>Computes a block.</summary>
    /// <param name="index">Which, from 0.</param>
    /// <param name="streams">The hidden states that come in: those of the image, of the text. They are not disposed.</param>
    /// <param name="conditioning">What steers all blocks.</param>
    /// <param name="constants">What all blocks know of the tokens, positions for instance.</param>
    /// <returns>The streams, in the scope of the caller.</returns>
    public delegate Tensor[] BlockForward(int index, Tensor[] streams, Tensor conditioning, Tensor[] constants);

    /// <summary>Puts declared blocks in a sequence.</summary>
    /// <param name="scopes">The scope of each block, all of whose weights are declared.</param>
    /// <param name="streams">How many hidden states go from block to block.</param>
    /// <param name="block">Computes one.</param>
    /// <param name="blocksPerCheckpoint">0 keeps the graph of all; n keeps what goes into every n-th, and computes n blocks again at a time.</param>
    public BlockSequence(IReadOnlyList<WeightScope> scopes, int streams, BlockForward block, int blocksPerCheckpoint)
    {
        ArgumentNullException.ThrowIfNull(scopes);
        ArgumentNullException.ThrowIfNull(block);
        ArgumentOutOfRangeException.ThrowIfNegative(blocksPerCheckpoint);
        (_count, _streams, _block, _scopes) = (scopes.Count, streams, block, scopes);
        _parts = blocksPerCheckpoint == 0 ? [] : [.. scopes.Chunk(blocksPerCheckpoint).Select((chunk, part) => (chunk.Length, new Recomputation(
            [.. chunk.SelectMany(static scope => scope.Weights)],
            [.. chunk.SelectMany(static scope => scope.Sites)],
            inputs => Part(part * blocksPerCheckpoint, chunk.Length, inputs))))];
    }

    /// <summary>Runs all blocks.</summary>
    /// <param name="streams">What comes in; disposed as soon as they are not needed.</param>
    /// <param name="conditioning">What steers all blocks.</param>
    /// <param name="constants">What all blocks know of the tokens.</param>
    /// <returns>The streams after the last block, in the scope of the caller.</returns>
    public Tensor[] Forward(Tensor[] streams, Tensor conditioning, params Tensor[] constants) => Forward(_count, streams, conditioning, constants);

    /// <summary>Runs the first blocks.</summary>
    /// <param name="count">How many, from 1.</param>
    /// <param name="streams">What comes in; disposed as soon as they are not needed.</param>
    /// <param name="conditioning">What steers all blocks.</param>
    /// <param name="constants">What all blocks know of the tokens.</param>
    /// <returns>The streams after the last of them, in the scope of the caller: to the last bit those of all blocks at this place.</returns>
    public Tensor[] Forward(int count, Tensor[] streams, Tensor conditioning, Tensor[] constants)
    {
        ArgumentNullException.ThrowIfNull(streams);
        ArgumentNullException.ThrowIfNull(conditioning);
        ArgumentNullException.ThrowIfNull(constants);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _count);
        using var scope = NewDisposeScope();
        var done = 0;
        foreach (var (blocks, part) in _parts)
        {
            // Blocks that are computed again together, but are not all asked for, keep their graphs.
            if (done + blocks > count) break;
            // The gradient of what all blocks take is added up block by block, the last first, with and without recomputation: each block has an argument of its own.
            var next = part.Forward([.. streams, .. Enumerable.Range(0, blocks).Select(_ => Node(conditioning)), .. constants]);
            foreach (var stream in streams) stream.Dispose();
            streams = next;
            done += blocks;
        }
        if (done < count) streams = Run(done, count - done, streams, [.. Enumerable.Range(done, count - done).Select(_ => Node(conditioning))], constants);
        return [.. streams.Select(static stream => stream.MoveToOuterDisposeScope())];
    }

    /// <summary>The weights of the first blocks.</summary>
    /// <param name="count">How many blocks.</param>
    public IEnumerable<Weight> Weights(int count) => _scopes.Take(count).SelectMany(static scope => scope.Weights);

    /// <summary>Pieces of its work: one for each form of block, or of blocks that are computed again together.</summary>
    /// <param name="streams">Makes streams as they come in.</param>
    /// <param name="conditioning">Makes what steers all blocks.</param>
    /// <param name="constants">Makes what all blocks know of the tokens.</param>
    /// <param name="trained">Whether what steers the blocks is differentiated, too.</param>
    public IEnumerable<WorkPiece> Work(Func<Tensor[]> streams, Func<Tensor> conditioning, Func<Tensor[]> constants, bool trained)
    {
        var blocks = _parts.Length == 0 ? 1 : _parts[0].Blocks;
        return _scopes.Chunk(blocks).Select((chunk, index) => (First: index * blocks, Count: chunk.Length, Form: string.Join(' ', chunk.SelectMany(static scope => scope.Weights).Select(static weight => string.Join('x', weight.Shape)))))
            .GroupBy(static part => part.Form)
            .Select(alike =>
            {
                var (firsts, next) = (alike.Select(static part => part.First).Take(MostVariants).ToArray(), 0);
                var (first, count, _) = alike.First();
                return new WorkPiece(
                    count == 1 ? $"block {first}" : $"blocks {first} to {first + count - 1}",
                    WorkStage.Velocity,
                    () => [.. streams(), .. Enumerable.Range(0, count).Select(_ => conditioning()), .. constants()],
                    inputs =>
                    {
                        var block = firsts[next++ % firsts.Length];
                        return _parts.Length == 0 ? Part(block, count, [.. inputs]) : _parts[block / blocks].Part.Forward([.. inputs]);
                    })
                {
                    Differentiated = trained ? _streams + count : _streams,
                    Times = alike.Count(),
                    Variants = firsts.Length,
                };
            });
    }

    // A handle of its own would not do: gradients are added up at nodes of the graph.
    private static Tensor Node(Tensor conditioning) => conditioning.view(conditioning.shape);

    private Tensor[] Part(int first, int count, Tensor[] inputs)
    {
        using var scope = NewDisposeScope();
        // What came in stays the caller's.
        Tensor[] streams = [.. inputs[.._streams].Select(static stream => stream.alias())];
        var outputs = Run(first, count, streams, inputs[_streams..(_streams + count)], inputs[(_streams + count)..]);
        return [.. outputs.Select(static output => output.MoveToOuterDisposeScope())];
    }

    private Tensor[] Run(int first, int count, Tensor[] streams, Tensor[] conditionings, Tensor[] constants)
    {
        for (var i = 0; i < count; i++)
        {
            var next = _block(first + i, streams, conditionings[i], constants);
            foreach (var stream in streams) stream.Dispose();
            streams = next;
        }
        return streams;
    }
}
