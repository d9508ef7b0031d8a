"Package metadata, all of it read from settings.ini."
from configparser import ConfigParser

from setuptools import find_packages, setup

config = ConfigParser(delimiters=["="], interpolation=None)
config.read("settings.ini", encoding="utf-8")
ini = config["DEFAULT"]

setup(
    name=ini["lib_name"],
    version=ini["version"],
    description=ini["description"],
    long_description=open("README.md", encoding="utf-8").read(),
    long_description_content_type="text/markdown",
    author=ini["author"],
    author_email=ini["author_email"],
    url=ini["git_url"],
    keywords=ini["keywords"],
    license="MIT",
    packages=find_packages(include=["wxnb", "wxnb.*"]),
    package_data={"wxnb": ["presets/*.yaml", "presets/*.yml", "weights/*.safetensors"]},
    python_requires=f">={ini['min_python']}",
    install_requires=ini["requirements"].split(),
    extras_require={
        "grib": ["cfgrib>=0.9.15", "eccodes>=2.40"],  # GRIB 1/2 files
        "radar": ["pysteps>=1.21", "opencv-python-headless>=4.8"], # optical-flow and STEPS nowcasts to compare with
        "maps": ["cartopy>=0.24"],                    # coastlines
        "cloud": ["gcsfs>=2024.6"],                   # public buckets
        "compress": ["constriction>=0.4", "hdf5plugin>=5"], # entropy coding; SZ3 and SPERR to compare with
        "dev": ini["dev_requirements"].split(),
    },
    entry_points={"console_scripts": [ini["console_scripts"]], "nbdev": ["wxnb=wxnb._modidx:d"]},
    classifiers=["Programming Language :: Python :: 3", "Topic :: Scientific/Engineering :: Atmospheric Science"],
    zip_safe=False,
)
