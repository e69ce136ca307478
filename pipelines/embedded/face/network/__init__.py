"""NVIDIA's open Audio2Face-3D network behind the embedded service: onnxruntime, numpy, and a folder of NVIDIA's files.

The regression models v2.3 (Mark) and v2.3.1 (Claire, James). The project holds none of their files; the user downloads
them under NVIDIA's Open Model License. What is here was written after NVIDIA's published SDK (MIT) and training
framework (Apache-2.0), read as documents.

``folder`` finds and checks the files, ``layout`` and ``parameters`` read the small ones, ``session`` runs the network.
``windows`` cuts the sound for it. ``model`` folds what follows into small matrices, ``solve`` and ``bounded`` find the
blendshapes, ``poses`` is that for one clip. ``engine`` puts them together.
"""
